"""How people speak to models that they want to take over, as regular expressions.

`ENGLISH` is for text that `folding.latin` has folded, `RUSSIAN` for `folding.cyrillic`.
"""

from __future__ import annotations

_OTHERS = r"(?:all|every|each|any|other|others|remaining|rest|next|previous|preceding|following|neighbou?r\w*|these)"
_POSTS = r"(?:posts?|items?|messages?|entries|stories|articles?|news|keys?|ones|batch|list)"
ENGLISH = (
    # to drop what was said before
    r"\b(?:ignor\w*|disregard\w*|forget|overrid\w*|overrule\w*|bypass\w*|discard|disobey|(?:not|stop) (?:follow"
    r"|obey)\w*)"
    r"\b[^.!?\n]{0,40}\b(?:instruct\w*|prompts?|directives?|guidelines?|(?:previous|prior|above|these|your|system) \w+"
    r"|(?:above|before|earlier))\b",
    r"\b(?:rules|instructions?|guidelines)\b[^.!?\n]{0,20}\b(?:cancel\w*|void|revoked|no longer|suspended|changed)\b",
    r"\b(?:new|updated?|real|actual|revised|additional) (?:instructions?|directives?|system \w+"
    r"|task)\b\W{0,3}(?:for|:|from)",
    r"\b(?:system|developer|hidden|initial|secret) (?:prompt|message|instruction|note|override|notice|update)s?\b",
    r"\byour (?:\w+ )?(?:task|job|role|purpose|instructions?)\b|\bonly (?:correct|right|valid) (?:category|answer"
    r"|headline)\b",
    r"\b(?:begin|start|end|finish)\b.{0,20}\banswer\b|\b(?:an? )?empty (?:object|answer|json)\b",
    r"\bnew (?:persona|role)\b|\b(?:each|every) (?:value|field)\b|\boutput format\b",
    r"\b(?:i|we) (?:\w+ )?(?:grant|authori[sz]e|permit|order|command) you\b|\b(?:new|this|following) (?:directive"
    r"|guidance)\b",
    r"\bsupersed\w+ (?:your|all|any|the)\b|\boverrides any\w*|\b(?:when|while|before) (?:compil|summari[sz]|sort"
    r"|categori[sz])ing\b",
    r"\b(?:refuse|decline) to (?:process|answer|summari[sz]e|sort)\b|\b(?:use|write|answer) only\b"
    r"|\bfrom here on\b.{0,20}\byou\b",
    # to be somebody else
    r"\byou are (?:now|no longer)\b|\bfrom now on\b.{0,20}\b(?:you|answer|respond|reply|treat|classify|every|all)\b",
    r"\byou are an? (?:\w+ )?(?:ai|llm|language model|model|assistant|robot)\b|\b(?:only|nothing but) this (?:text"
    r"|post)\b",
    r"\b(?:act|behave|respond|answer|reply) as (?:if|though|an? (?:unrestricted|different|new|free|evil))\b"
    r"|\bpretend (?:to be|that|you)\b|\b(?:developer|debug|god|jailbreak|maintenance) mode\b|\bjailbreak\b",
    # spoken to as a model
    r"\b(?:dear|attention|hey|hello|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|if you are"
    r"|as) (?:the |an? |any )?"
    r"(?:\w+ )?(?:ai|llms?|language models?|assistant|chatbot|classifier|summari[sz]er|model|editor bot)\b",
    r"\b(?:ai|llms?|models?|assistants?|bots?|classifiers?|summari[sz]ers?) (?:that |who |which |is |are )?"
    r"(?:read|process|summari[sz]|categori[sz]|sort|classif)\w*",
    # what the answer is to be
    r"\bimportance\b\W{0,4}(?:\w+\W+){0,4}[1-5]\b|\bimportance (?:of|to|for) " + _OTHERS,
    r"\b(?:set|give|assign|put|make|mark|label|rate|rank|score|classify|categori[sz]e|change|replace|drop|omit|delete"
    r"|remove|skip|ignore|overwrite|copy|repeat|rewrite|merge|swap|treat|return|move)\b[^.!?\n]{0,40}\b"
    + _OTHERS
    + r" (?:the |of the |other |of these |\w+ )?"
    + _POSTS
    + r"\b",
    r"\b(?:output|answer|respond|reply|return|print|produce|emit)\b[^.!?\n]{0,40}\b(?:json|verbatim|nothing else"
    r"|only with|with only|in prose|plain text|instead of|exactly (?:this|the following|with)|the word)\b",
    r"\b(?:reveal|repeat|print|show|leak|quote|output|copy|publish)\b[^.!?\n]{0,40}\b(?:prompts?|instructions?"
    r"|rules given"
    r"|everything above|text above)\b",
    r"\b(?:headlines?|summar(?:y|ies)|category|categories|verdicts?|reason)\b[^.!?\n]{0,40}\b(?:must|should|shall"
    r"|has to"
    r"|have to|is to|are to|needs? to)\b",
    r"\b(?:set|use|write|make|change|replace|choose|assign|begin|start|end)\b[^.!?\n]{0,30}\b(?:headlines?"
    r"|summar(?:y|ies)"
    r"|category|categories|verdicts?)\b[^.!?\n]{0,30}\b(?:to|with|as|is|=)\b",
    r"\b(?:add|insert|include|append|put|place|write)\b[^.!?\n]{0,40}\b(?:headlines?|summar(?:y|ies)|digest|(?:new"
    r"|extra"
    r"|another|more) (?:keys?|items?|posts?|fields?)|json)\b",
    r"\b(?:base64|rot13|caesar|decod\w+)\b[^.!?\n]{0,60}\b(?:follow|obey|execute|do what|instruction|decod)\w*",
    # the same in a few languages more
    r"\b(?:ignor|игнору|olvid|oubli|vergiss|missacht|zignoruj)\w*\b[^.!?\n]{0,40}\b(?:instruccion|instrucoes"
    r"|instrukcj|istruzion"
    r"|anweisung|consigne)\w*",
    r"(?:忽略|無視|无视|忘记).{0,12}(?:指示|指令|说明|命令|规则)",
)
_ALL_RU = (
    r"(?:вс[еехюя]\w{0,2}|кажд\w+|люб\w+|остальн\w+|друг\w+|соседн\w+|следующ\w+|предыдущ\w+|проч\w+|эт\w{1,3}|ост\w+)"
)
_POSTS_RU = r"(?:пост|новост|сообщени|публикац|запис|элемент|ключ|пункт|материал|стат(?:ь|е))\w*"
_ENDS = r"(?:те)?\b"
RUSSIAN = (
    r"\b(?:(?:про)?игнорируй|забудь|отмени|отбрось|наруш[ья]|обойди|(?:не|перестань|прекрати) (?:следу|выполня|соблюда"
    r"|слушай|подчиня|учитыва|обращай)\w*)"
    + _ENDS
    + r"[^.!?\n]{0,50}\b(?:инструкц|указани|правил|промпт|команд|предыдущ|прежн|систем|остальн|выше|написан|ранее)\w*",
    r"\bигнорир\w+[^.!?\n]{0,30}\b(?:инструкц|указани|промпт)\w*|\b(?:инструкц|указани"
    r"|промпт)\w*[^.!?\n]{0,30}\bигнорир\w+",
    r"\b(?:инструкци|указани|правила|команд)\w*[^.!?\n]{0,30}\b(?:отмен(?:ен|я)|недействит|утратил|больше не)\w*",
    r"\b(?:нов\w+|настоящ\w+|обновленн\w+|дополнительн\w+) (?:инструкци|указани|задани|команд)\w{0,2}\W{0,3}(?:для"
    r"|:|от)",
    r"\bсистемн\w+ (?:промпт|промт|сообщени|инструкц|подсказк|указани|уведомлени|команд)\w*",
    r"^\W{0,10}(?:систем\w{0,2}|ассистент|разработчик|администратор|редактор\w{0,3})(?: \w+)?\W{0,5}:",
    r"\b(?:все|ничего),? кроме эт\w+ (?:текст|пост)\w*|\bконец (?:постов|ввода|данных)\b"
    r"|^\W{0,10}(?:новая )?задача\W{0,5}:",
    r"\bтво[яюей]\w{0,2} (?:[^\W\d]+ )?(?:задач|роль|цель|работ|инструкц)\w*|\bединственн\w+ (?:верн|правильн)\w+ "
    r"(?:категори|ответ|заголов)\w*|\b(?:начни|закончи)(?:те)? ответ\b|\bпуст\w+ (?:объект|ответ|јѕоп)\w*",
    r"\b(?:выш|ранее |прежде )сказанн\w+\b|\bавтоматическ\w+ (?:редактор|систем\w+ (?:обработ|сортиров))\w*",
    r"\bнов\w+ рол(?:ь|ью|и)\b|\bкажд\w+ (?:значени|пол)[ея]\b",
    r"\b(?:разрешаю|приказываю|запрещаю|поручаю|велю) (?:тебе|вам)\b|\b(?:нов\w+|эт\w+|следующ\w+) директив\w*",
    r"\b(?:важнее|выше|главнее) (?:тво|ваш)\w+ (?:указани|инструкц|правил)\w*|\bпри (?:составлении|сортировке"
    r"|подготовке) "
    r"(?:сводк|дайджест|выпуск|этого)\w*|\b(?:откажись|отказывайся) (?:обрабат|отвеч|состав|перес)\w*",
    r"\b(?:дальше|далее|здесь|везде)\b.{0,15}\b(?:используй|пиши|отвечай|ставь)(?:те)?\b"
    r"|\b(?:используй|пиши|отвечай|ставь)(?:те)?\b.{0,15}\b(?:везде|всюду|всегда|только)\b",
    r"\bтеперь ты\b|\bты (?:теперь|больше не)\b|\bотныне\b.{0,30}\b(?:ты|все|отвеча|счита|кажд)\w*",
    r"\b(?:представь|вообрази|притворись|сделай вид)[,\s]+(?:что|будто) ты\b|\b(?:веди себя|действуй|отвечай) как\b"
    r"|\bрежим\w* (?:разработчик|отладк|бога|администратор)\w*|\bджейлбрейк",
    r"\b(?:уважаем\w+|внимание|привет|эй|обращени\w+ к|сообщени\w+ для|инструкци\w+ для|для|если ты)[\s,:!]+(?:\w+ )?"
    r"(?:нейросет|нейронк|языков\w+ модел|модел[ьи]\b[\s,:]+(?:котор|ты|не|дела|чита|обраба)|ии\b[\s,:-]+(?:модел"
    r"|ассист"
    r"|котор|чита|обраба|ред)|ассистент|искусственн\w+ интеллект\w*[\s,:]+(?:котор|чита|обраба)|бот\b|llm|ллм)\w*",
    r"\b(?:ии|модел\w+|нейросет\w+|ассистент\w*|бот\w*|классификатор\w*),? (?:котор\w+ )?(?:чита|обрабатыв|сортиру"
    r"|классифицир|пересказыва|составля)\w*",
    r"\bважност\w*\W{0,4}(?:[^\W\d]+\W+){0,4}[1-5]\b|\bважност\w+ " + _ALL_RU,
    r"\b(?:поставь|присвой|назначь|отнеси|укажи|напиши|сделай|измени|замени|удали|пропусти|убери|добавь|вставь"
    r"|оцени|отметь"
    r"|считай|ответь|перепиши|скопируй|выведи|переведи|повтори|дай|пометь|выкинь|исключи|помести|объедини|верни"
    r"|не включай"
    r"|снизь|понизь|повысь|обнули)" + _ENDS + r"[^.!?\n]{0,50}\b" + _ALL_RU + r"(?: [^\W\d]+){0,2} " + _POSTS_RU,
    _ALL_RU + r"(?: [^\W\d]+){0,2} " + _POSTS_RU + r"[^.!?\n]{0,40}\b(?:категори|важност|заголов|сводк)\w*",
    r"\b(?:выведи|ответь|отвечай|верни|напечатай|раскрой|процитируй|опубликуй|повтори|покажи|скопируй|напиши)"
    + _ENDS
    + r"[^.!?\n]{0,50}\b(?:json|јѕоп|јѕон|джейсон|промпт|промт|инструкц|дословно|прозой|одним словом|вместо ответа"
    r"|текст выше"
    r"|формат)\w*",
    r"\b(?:поставь|присвой|назначь|укажи|напиши|сделай|измени|замени|добавь|вставь|впиши|используй|выбери|начни"
    r"|закончи"
    r"|поменяй|допиши)"
    + _ENDS
    + r"[^.!?\n]{0,40}\b(?:заголов|сводк|категори|важност|дайджест|пересказ|резюме|саммари)\w*",
    r"\b(?:заголов\w+|сводк\w+|категори\w+|важность|вердикт\w*|саммари)\b[^.!?\n]{0,30}\b(?:долж[ен]\w*|обязан\w*"
    r"|нужно"
    r"|надо|следует|обязательно|будет)\b",
    r"\b(?:расшифруй|декодируй|раскодируй)" + _ENDS + r"|\bbase64\b",
)
