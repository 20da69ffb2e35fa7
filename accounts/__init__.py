"""Customer accounts: who is billed, who may do what, and how to reach them."""
