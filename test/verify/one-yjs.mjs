// Two copies of yjs on one page break each other silently; the lock must hold exactly one.
import { readJson } from './set-up.mjs'

const copies = Object.keys(readJson('package-lock.json').packages).filter((path) => path.endsWith('node_modules/yjs'))
if (copies.length !== 1) {
  console.error(`There are ${copies.length} copies of yjs: ${copies.join(', ')}. Align the versions that ask for them.`)
  process.exit(1)
}
