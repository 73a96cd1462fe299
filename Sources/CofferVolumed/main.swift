// coffer-volumed: one attached volume. It is started by `coffer`, with a socket to its starter as descriptor 3 and the
// volume's open and locked file as descriptor 4; the arguments are there for whoever looks at the processes.
Volumed.main()
