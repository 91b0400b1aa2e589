// The least that an acknowledgement can cost: each message is appended to a file and sent back after one fdatasync. What came in while the disk was busy goes
// with the next one, as in any group commit, so that a slow disk does not pile up a queue here that it would not pile up at a relay.
import { fdatasync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { listen } from './listen.mjs'

const file = openSync(join(process.argv[2], 'log'), 'a')
let waiting = []
let writing = false

listen((socket) => {
  socket.on('message', (data) => {
    waiting.push({ socket, data })
    if (!writing) write()
  })
})

function write() {
  const batch = waiting
  waiting = []
  writing = batch.length > 0
  if (!writing) return
  for (const { data } of batch) writeSync(file, data)
  fdatasync(file, (error) => {
    if (error) throw error
    for (const { socket, data } of batch) socket.send(data)
    write()
  })
}
