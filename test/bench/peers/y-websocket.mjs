// @y/websocket-server as its own `server.js` sets it up, with the persistence it comes with (y-leveldb) in the given directory. An update is applied, broadcast, and
// then handed to the database without waiting and without a sync of the disk: nothing is acknowledged, and a power cut loses what the system had not written.
process.env.YPERSISTENCE = process.argv[2]
const { listen } = await import('./listen.mjs')
const { setupWSConnection } = await import('@y/websocket-server/utils')

// The package says where it persists on stdout, which is ours.
listen((socket, request) => setupWSConnection(socket, request))
