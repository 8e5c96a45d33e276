"""Words that are rare in news and come together in orders to a model: what to do, to which others, with what, and who.

Regular expressions for folded text, see `order_phrases`.
"""

from __future__ import annotations

ENGLISH = (
    # what to do
    r"\b(?:rate|mark|treat|consider|classify|categori[sz]e|label|answer|reply|respond|output|print|write|say"
    r"|summari[sz]e"
    r"|ignore|skip|drop|omit|leave|rewrite|praise|exclude|include|replace|repeat|translate|put|set|give|make sure"
    r"|prioriti[sz]e"
    r"|override"
    r"|score|sort|assign|follow|obey|swap|exchange|begin|start|mention|return|delete|remove|add|append|insert|copy"
    r"|reveal|stop)\b",
    # to whom
    r"\b(?:rest|else|others?|remaining|nothing but|only this|every|all|each|whatever|anyone|rivals?|competitors?"
    r"|first and second)\b",
    # with what
    r"\b(?:headlines?|summar\w+|digest|feed|categor\w*|importance|posts?|items?|spam|ads|json|none|verdicts?|batch"
    r"|titles?|articles?|stories|texts?|as a [1-5])\b",
    # who
    r"\b(?:ai|models?|llms?|robots?|bots?|assistants?|prompts?|instructions?|system|task|input|editor|developers?"
    r"|whoever|you will|you must)\b",
)
RUSSIAN = (
    r"\b(?:постав|став|счита|оцени|оценива|отмет|отмеча|пиши|напиши|ответ|отвеча|вывод|вывед|игнорир|пропус|удал|убер"
    r"|исключ|не включ|включ|замен|повтор|перевед|дай|присво|назнач|отнес|перескаж|не пересказ|пересказ|классифицир"
    r"|сортир|не попадает|забуд|забыва|выполн|следу|начн|начин|законч|верн|возвращ|упомин|не упомин|помет|помеч"
    r"|поменя|перепиш|выкин|хвал|скаж|скопир|добав|встав|раскр|покаж|подчин|прекрат|хват)(?:и|й|ь|ай|уй|яй|айте|уйте|яйте|ыва[йе]т?|ивай"
    r"|ивайте|ывай)?"
    r"(?:те)?\b",
    r"\b(?:остальн\w+|проч\w+|друг\w+|все|всем|всех|всеми|всю|кажд\w+|кроме|люб\w+|только эт\w+|конкурент\w*"
    r"|един\w+ (?:верн|правильн)\w+|перв\w+ и втор\w+)\b",
    r"\b(?:заголов\w+|сводк\w+|дайджест\w*|лент[аеу]\w*|категори\w+|важност\w+|пост\w{0,3}|новост\w+|спам\w*|јѕоп"
    r"|пересказ\w*|пачк\w+|единиц\w+|саммари|реклам\w+|материал\w*|текст\w*|стат(?:ь|е)\w+|оценк\w+)\b",
    r"\b(?:ии|модел\w+|нейро\w+|робот\w*|бот\w{0,3}|ассистент\w*|промп?т\w*|инструкц\w+|систем\w+|задач\w+"
    r"|редактор\w*|разработчик\w*|автоматическ\w+"
    r"|ввод\w*)\b",
)
