import { fileURLToPath } from 'node:url'
import { remakeFrames } from './message-vectors.js'

// Makes the files anew that hold the formats of this version, after a deliberate change of a format. Tests read them from then on.

const root = new URL('../../../', import.meta.url)
const pathOf = (name: string): string => fileURLToPath(new URL(name, root))

await remakeFrames(pathOf('packages/protocol/vectors/messages.json'))
