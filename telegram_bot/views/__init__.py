"""What operators see: pure functions from records to views. No clock, no database, no Telegram."""
