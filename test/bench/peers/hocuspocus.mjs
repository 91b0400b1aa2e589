// Hocuspocus with its database extension. Its SQLite extension needs a driver that is built or fetched by an install script, which this repository does not run, so
// the two functions that the extension asks for keep one file per doc. As its defaults have it, a doc is stored two seconds after its last change, ten at the
// latest; an update is applied, broadcast and confirmed before that.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Database } from '@hocuspocus/extension-database'
import { Hocuspocus } from '@hocuspocus/server'
import { listen } from './listen.mjs'

const fileOf = (name) => join(process.argv[2], encodeURIComponent(name))

const hocuspocus = new Hocuspocus({
  quiet: true,
  extensions: [
    new Database({
      fetch: ({ documentName }) => readFile(fileOf(documentName)).catch(() => null),
      store: ({ documentName, state }) => writeFile(fileOf(documentName), state),
    }),
  ],
})

listen((socket, request) => hocuspocus.handleConnection(socket, request))
