"""PostgreSQL and Redis from Python packages, for trying out, developing and testing.

``make`` and the tests start them (``servers``); settings only derive their addresses (``places``),
so importing settings starts nothing. Both listen on unix sockets in a folder that only this user
may enter and on no port, which is why PostgreSQL can trust whoever reaches it. A production
installation has servers of its own and uses nothing of this package.
"""
