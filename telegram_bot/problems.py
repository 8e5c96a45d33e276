"""What people read of an error: what they can do something about in words, a bug with an id that the log has too."""

from __future__ import annotations

import logging
from functools import partial

from pipeline.errors import BrokerUnavailable, ForPeople
from pipeline.log_marks import found_by, new_error_id
from storage.database import AWAY, is_full, trouble
from telegram_bot.views.choices import render_problem
from telegram_bot.views.view import View
from texts import Texts

log = logging.getLogger(__name__)


def view_of(error: Exception, texts: Texts) -> View:
    """What whoever asked reads of an error; of a bug, the log gets the rest."""
    render = partial(render_problem, texts=texts)
    if isinstance(error, ForPeople):
        return render(error.message_id, error.params)
    if isinstance(error, BrokerUnavailable):
        return render("digest.broker_away", {})
    if isinstance(error, AWAY):
        log.error("An update could not be handled: the database does not work (%s).", trouble(error))
        return render("error.database_full" if is_full(error) else "error.database_away", {})
    error_id = new_error_id()
    log.error("An update could not be handled", exc_info=error, extra=found_by(error_id))
    return render("error.unexpected", {"id": error_id})
