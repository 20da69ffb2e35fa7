"""What hands text messages over, each behind the protocol of ``base``."""
