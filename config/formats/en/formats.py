"""Days and moments in English. Django's "a.m." and "Dec." have full stops that read as the end of a sentence."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i"
