"""The bots: what operators and readers say to us, and what we say to them."""

from pipeline.lazy_aiogram import import_aiogram

import_aiogram()
