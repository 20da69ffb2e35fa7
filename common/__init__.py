"""What every package builds on: account scope, claimable rows, the bell, money, ids."""
