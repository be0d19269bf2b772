"""The public pages on the law (`/legal/`). Only the URL configuration imports it."""
