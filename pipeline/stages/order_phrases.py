"""How people speak to models that they want to take over, as regular expressions for `phrasebook`.

`ENGLISH` is for text that `folding.latin` has folded, `RUSSIAN` for `folding.cyrillic`. Words between < and > are those
by which a phrase is looked up: choose the ones that are rare in news.
"""

from __future__ import annotations

_INSTRUCTIONS = (
    r"\b[^.!?\n]{0,40}\b(?:instruct\w*|prompts?|directives?|guidelines?|(?:previous|prior|above|these|your|system) \w+"
    r"|(?:above|before|earlier))\b"
)
_OTHERS = r"(?:all|every|each|any|other|others|remaining|rest|next|previous|preceding|following|neighbou?r\w*|these)"
_ADD = r"\b(?:add|insert|include|append|put|place|write)\b[^.!?\n]{0,40}\b"
ENGLISH = (
    # to drop what was said before
    r"<ignor\w*|disregard\w*|forget|overrid\w*|overrule\w*|bypass\w*|discard|disobey>" + _INSTRUCTIONS,
    r"\b(?:not|stop) <follow|obey>\w*" + _INSTRUCTIONS,
    r"<rules|instructions?|guidelines>\b[^.!?\n]{0,20}\b(?:cancel\w*|void|revoked|no longer|suspended|changed)\b",
    r"\b(?:new|updated?|real|actual|revised|additional) <instructions?|directives?|system \w+|task>\b\W{0,3}"
    r"(?:for|:|from)",
    r"<system|developer|hidden|initial|secret> (?:prompt|message|instruction|note|override|notice|update)s?\b",
    r"<your> (?:\w+ )?<task|job|role|purpose|instructions?>\b",
    r"\bonly (?:correct|right|valid) <category|answer|headline>\b",
    r"\b(?:begin|start|end|finish)\b.{0,20}<answer>\b",
    r"<empty> (?:object|answer|json)\b",
    r"\bnew <persona|role>\b",
    r"\b(?:each|every) <value|field>\b",
    r"<output> format\b",
    r"\b(?:i|we) (?:\w+ )?<grant|authori[sz]e|permit|order|command> <you>\b",
    r"\b(?:new|this|following) <directive|guidance>\b",
    r"<supersed\w+> (?:your|all|any|the)\b",
    r"<overrides> any\w*",
    r"\b(?:when|while|before) <compil|summari[sz]|sort|categori[sz]>ing\b",
    r"<refuse|decline> to (?:process|answer|summari[sz]e|sort)\b",
    r"<use|write|answer> <only>\b",
    r"\bfrom <here> on\b.{0,20}<you>\b",
    # to be somebody else
    r"<you> are <now|no longer>\b",
    r"\bfrom <now> on\b.{0,20}<you|answer|respond|reply|treat|classify|every|all>\b",
    r"<you> are an? (?:\w+ )?<ai|llm|language model|model|assistant|robot>\b",
    r"\b(?:only|nothing but) this <text|post>\b",
    r"<act|behave|respond|answer|reply> as (?:if|though|an? (?:unrestricted|different|new|free|evil))\b",
    r"<pretend> (?:to be|that|you)\b",
    r"<developer|debug|god|jailbreak|maintenance> <mode>\b",
    r"<jailbreak>\b",
    # spoken to as a model
    r"\b(?:dear|attention|hey|hello|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|if you are"
    r"|as) (?:the |an? |any )?(?:\w+ )?"
    r"<ai|llms?|language models?|assistant|chatbot|classifier|summari[sz]er|model|editor bot>\b",
    r"<ai|llms?|models?|assistants?|bots?|classifiers?|summari[sz]ers?> (?:that |who |which |is |are )?"
    r"<read|process|summari[sz]|categori[sz]|sort|classif>\w*",
    # what the answer is to be
    r"<importance>\b\W{0,4}(?:\w+\W+){0,4}[1-5]\b",
    r"<importance> (?:of|to|for) " + _OTHERS,
    r"<set|give|assign|put|make|mark|label|rate|rank|score|classify|categori[sz]e|change|replace|drop|omit|delete"
    r"|remove|skip|ignore|overwrite|copy|repeat|rewrite|merge|swap|treat|return|move>\b[^.!?\n]{0,40}\b"
    + _OTHERS
    + r" (?:the |of the |other |of these |\w+ )?"
    r"<posts?|items?|messages?|entries|stories|articles?|news|keys?|ones|batch|list>\b",
    r"<output|answer|respond|reply|return|print|produce|emit>\b[^.!?\n]{0,40}\b(?:json|verbatim|nothing else"
    r"|only with|with only|in prose|plain text|instead of|exactly (?:this|the following|with)|the word)\b",
    r"<reveal|repeat|print|show|leak|quote|output|copy|publish>\b[^.!?\n]{0,40}"
    r"<prompts?|instructions?|rules given|everything above|text above>\b",
    r"<headlines?|summary|summaries|category|categories|verdicts?|reason>\b[^.!?\n]{0,40}\b(?:must|should|shall"
    r"|has to|have to|is to|are to|needs? to)\b",
    r"\b(?:set|use|write|make|change|replace|choose|assign|begin|start|end)\b[^.!?\n]{0,30}"
    r"<headlines?|summary|summaries|category|categories|verdicts?>\b[^.!?\n]{0,30}\b(?:to|with|as|is|=)\b",
    _ADD + r"<headlines?|summary|summaries|digest|json>\b",
    _ADD + r"(?:new|extra|another|more) <keys?|items?|posts?|fields?>\b",
    r"<base64|rot13|caesar|decod\w+>\b[^.!?\n]{0,60}\b(?:follow|obey|execute|do what|instruction|decod)\w*",
    # parts of prompts
    r"^#{1,4} ?<instructions?|response|system|assistant>\b",
    r"^\W{0,10}<system|assistant|developer|admin>(?: \w+)?\W{0,5}:",
    r"<post> id\b",
    r"<meta> of\b",
    r"\b(?:begin|end) of <post>",
    # the same in a few languages more
    r"<ignor|olvid|oubli|vergiss|missacht|zignoruj>\w*\b[^.!?\n]{0,40}\b(?:instruccion|instrucoes|instrukcj|istruzion"
    r"|anweisung|consigne)\w*",
)
_ENDS = r"(?:те)?\b"
_INSTRUCTIONS_RU = (
    r"[^.!?\n]{0,50}<инструкц|указани|правил|промпт|команд|предыдущ|прежн|систем|остальн|выше|написан|ранее>\w*"
)
_ALL_RU = (
    r"(?:вс[еехюя]\w{0,2}|кажд\w+|люб\w+|остальн\w+|друг\w+|соседн\w+|следующ\w+|предыдущ\w+|проч\w+|эт\w{1,3}|ост\w+)"
)
_ALL_POSTS_RU = (
    _ALL_RU + r"(?: [^\W\d]+){0,2} <пост|новост|сообщени|публикац|запис|элемент|ключ|пункт|материал|стать|стате>\w*"
)
_TO_RU = (
    r"\b(?:уважаем\w+|внимание|привет|эй|обращени\w+ к|сообщени\w+ для|инструкци\w+ для|для|если ты)[\s,:!]+(?:\w+ )?"
)
RUSSIAN = (
    r"<проигнорируй|игнорируй|забудь|отмени|отбрось|наруш[ья]|обойди>" + _ENDS + _INSTRUCTIONS_RU,
    r"\b(?:не|перестань|прекрати) <следу|выполня|соблюда|слушай|подчиня|учитыва|обращай>\w*" + _ENDS + _INSTRUCTIONS_RU,
    r"<игнорир>\w+[^.!?\n]{0,30}<инструкц|указани|промпт>\w*",
    r"<инструкц|указани|промпт>\w*[^.!?\n]{0,30}<игнорир>\w+",
    r"<инструкци|указани|правила|команд>\w*[^.!?\n]{0,30}<отменен|отменя|недействит|утратил|больше не>\w*",
    r"\b(?:нов\w+|настоящ\w+|обновленн\w+|дополнительн\w+) <инструкци|указани|задани|команд>\w{0,2}\W{0,3}(?:для|:|от)",
    r"<системн>\w+ (?:промпт|промт|сообщени|инструкц|подсказк|указани|уведомлени|команд)\w*",
    r"^\W{0,10}<систем\w{0,2}|ассистент|разработчик|администратор|редактор\w{0,3}>(?: \w+)?\W{0,5}:",
    r"\b(?:все|ничего),? <кроме> эт\w+ <текст|пост>\w*",
    r"<конец> (?:постов|ввода|данных)\b",
    r"^\W{0,10}(?:новая )?<задача>\W{0,5}:",
    r"<тво[яюей]\w{0,2}> (?:[^\W\d]+ )?<задач|роль|цель|работ|инструкц>\w*",
    r"<единственн>\w+ (?:верн|правильн)\w+ (?:категори|ответ|заголов)\w*",
    r"<начни|закончи>(?:те)? ответ\b",
    r"<пуст>\w+ (?:объект|ответ|јѕоп)\w*",
    r"\b(?:ранее|прежде) <сказанн>\w+\b",
    r"<автоматическ>\w+ (?:редактор|систем\w+ (?:обработ|сортиров))\w*",
    r"\bнов\w+ <роль|ролью|роли>\b",
    r"\bкажд\w+ <значени|пол>[ея]\b",
    r"<разрешаю|приказываю|запрещаю|поручаю|велю> (?:тебе|вам)\b",
    r"\b(?:нов\w+|эт\w+|следующ\w+) <директив>\w*",
    r"\b(?:важнее|выше|главнее) <тво|ваш>\w+ <указани|инструкц|правил>\w*",
    r"\bпри <составлении|сортировке|подготовке> <сводк|дайджест|выпуск|этого>\w*",
    r"<откажись|отказывайся> (?:обрабат|отвеч|состав|перес)\w*",
    r"\b(?:дальше|далее|здесь|везде)\b.{0,15}<используй|пиши|отвечай|ставь>(?:те)?\b",
    r"<используй|пиши|отвечай|ставь>(?:те)?\b.{0,15}\b(?:везде|всюду|всегда|только)\b",
    r"<теперь> <ты>\b",
    r"<ты> <теперь|больше не>\b",
    r"<отныне>\b.{0,30}\b(?:ты|все|отвеча|счита|кажд)\w*",
    r"<представь|вообрази|притворись|сделай вид>[,\s]+(?:что|будто) ты\b",
    r"<веди себя|действуй|отвечай> как\b",
    r"<режим>\w* (?:разработчик|отладк|бога|администратор)\w*",
    r"<джейлбрейк>",
    _TO_RU + r"<нейросет|нейронк|языков\w+ модел|ассистент|бот\b|ллм>\w*",
    _TO_RU + r"<модел[ьи]>\b[\s,:]+(?:котор|ты|не|дела|чита|обраба)\w*",
    _TO_RU + r"<ии>\b[\s,:-]+(?:модел|ассист|котор|чита|обраба|ред)\w*",
    _TO_RU + r"<искусственн>\w+ интеллект\w*[\s,:]+(?:котор|чита|обраба)\w*",
    r"<ии|модел\w+|нейросет\w+|ассистент\w*|бот\w*|классификатор\w*>,? (?:котор\w+ )?<чита|обрабатыв|сортиру"
    r"|классифицир|пересказыва|составля>\w*",
    r"<важност>\w*\W{0,4}(?:[^\W\d]+\W+){0,4}[1-5]\b",
    r"<важност>\w+ " + _ALL_RU,
    r"<поставь|присвой|назначь|отнеси|укажи|напиши|сделай|измени|замени|удали|пропусти|убери|добавь|вставь|оцени|отметь"
    r"|считай|ответь|перепиши|скопируй|выведи|переведи|повтори|дай|пометь|выкинь|исключи|помести|объедини|верни|включай"
    r"|снизь|понизь|повысь|обнули>" + _ENDS + r"[^.!?\n]{0,50}\b" + _ALL_POSTS_RU,
    _ALL_POSTS_RU + r"[^.!?\n]{0,40}<категори|важност|заголов|сводк>\w*",
    r"<выведи|ответь|отвечай|верни|напечатай|раскрой|процитируй|опубликуй|повтори|покажи|скопируй|напиши>"
    + _ENDS
    + r"[^.!?\n]{0,50}<јѕоп|јѕон|джейсон|промпт|промт|инструкц|дословно|прозой|одним словом|вместо ответа|текст выше"
    r"|формат>\w*",
    r"\b(?:поставь|присвой|назначь|укажи|напиши|сделай|измени|замени|добавь|вставь|впиши|используй|выбери|начни"
    r"|закончи|поменяй|допиши)"
    + _ENDS
    + r"[^.!?\n]{0,40}<заголов|сводк|категори|важност|дайджест|пересказ|резюме|саммари>\w*",
    r"<заголов\w+|сводк\w+|категори\w+|важность|вердикт\w*|саммари>\b[^.!?\n]{0,30}\b(?:долж[ен]\w*|обязан\w*"
    r"|нужно|надо|следует|обязательно|будет)\b",
    r"<расшифруй|декодируй|раскодируй>" + _ENDS,
)
