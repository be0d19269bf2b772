"""What Todoke is measured against: a chat in the shape of the Channels tutorial, and as little of it as there can be.

It passes on what it hears and forgets it. It does not store, number or seal messages, asks no gate and no session,
knows no members and no limits, sends no receipts, keeps no history, shows no presence, and does not notice what the
channel layer loses.
"""
