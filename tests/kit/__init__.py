"""The test doubles of real time: a transport, a clock, a log in memory, a harness of several hubs, a client."""
