"""Words that stand for numbers in Russian and English."""

from __future__ import annotations

from decimal import Decimal

# By the beginning of the word, so that every Russian case is covered.
FACTORS = {
    "тыс": Decimal(10) ** 3,
    "thousand": Decimal(10) ** 3,
    "млн": Decimal(10) ** 6,
    "миллион": Decimal(10) ** 6,
    "million": Decimal(10) ** 6,
    "mln": Decimal(10) ** 6,
    "млрд": Decimal(10) ** 9,
    "миллиард": Decimal(10) ** 9,
    "billion": Decimal(10) ** 9,
    "bln": Decimal(10) ** 9,
    "трлн": Decimal(10) ** 12,
    "триллион": Decimal(10) ** 12,
    "trillion": Decimal(10) ** 12,
}

# Written on to the digits: $1.5M, 10k. They can mean something else (5m of rope, 4K), so both readings count.
LETTER_FACTORS = {
    "k": Decimal(10) ** 3,
    "к": Decimal(10) ** 3,
    "m": Decimal(10) ** 6,
    "mn": Decimal(10) ** 6,
    "м": Decimal(10) ** 6,
    "b": Decimal(10) ** 9,
    "bn": Decimal(10) ** 9,
    "t": Decimal(10) ** 12,
}

_WORDS = {
    0: "zero ноль нуля",
    1: "one first once один одна одно одного одной одному одним одну первый первая первое первого первой первую первом",
    2: "two second twice pair couple два две двух двум двумя двое двоих оба обе второй вторая второе второго вторую",
    3: "three third три трёх трех трём трем тремя трое троих третий третья третье третьего третьей третью",
    4: "four fourth четыре четырёх четырех четырём четырем четверо четверых четвёртый четвертый четвёртая четвертая",
    5: "five fifth пять пяти пятью пятеро пятерых пятый пятая пятое пятого",
    6: "six sixth шесть шести шестью шестеро шестерых шестой шестая шестого",
    7: "seven seventh семь семи семью семеро семерых седьмой седьмая седьмого",
    8: "eight eighth восемь восьми восемью восьмой восьмая восьмого",
    9: "nine ninth девять девяти девятью девятый девятая девятого",
    10: "ten tenth десять десяти десятью десятый десятая десятого десяток",
    11: "eleven eleventh одиннадцать одиннадцати одиннадцатый",
    12: "twelve twelfth dozen двенадцать двенадцати двенадцатый дюжина",
    13: "thirteen thirteenth тринадцать тринадцати",
    14: "fourteen fourteenth четырнадцать четырнадцати",
    15: "fifteen fifteenth пятнадцать пятнадцати",
    16: "sixteen sixteenth шестнадцать шестнадцати",
    17: "seventeen seventeenth семнадцать семнадцати",
    18: "eighteen eighteenth восемнадцать восемнадцати",
    19: "nineteen nineteenth девятнадцать девятнадцати",
    20: "twenty twentieth двадцать двадцати двадцатый",
    30: "thirty thirtieth тридцать тридцати",
    40: "forty сорок сорока",
    50: "fifty half половина половины половину пятьдесят пятидесяти",
    60: "sixty шестьдесят шестидесяти",
    70: "seventy семьдесят семидесяти",
    80: "eighty восемьдесят восьмидесяти",
    90: "ninety девяносто девяноста",
    100: "hundred сто ста сотня сотню",
    200: "двести двухсот",
    300: "триста трёхсот трехсот",
    400: "четыреста четырёхсот четырехсот",
    500: "пятьсот пятисот",
    600: "шестьсот шестисот",
    700: "семьсот семисот",
    800: "восемьсот восьмисот",
    900: "девятьсот девятисот",
}

VALUES = {word: value for value, words in _WORDS.items() for word in words.split()}

_MONTH_WORDS = (
    "january jan января январь январе",
    "february feb февраля февраль феврале",
    "march mar марта март марте",
    "april apr апреля апрель апреле",
    "may мая май мае",
    "june jun июня июнь июне",
    "july jul июля июль июле",
    "august aug августа август августе",
    "september sep sept сентября сентябрь сентябре",
    "october oct октября октябрь октябре",
    "november nov ноября ноябрь ноябре",
    "december dec декабря декабрь декабре",
)

MONTHS = {word: number for number, words in enumerate(_MONTH_WORDS, start=1) for word in words.split()}
