import { webcrypto } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { remakeFrames } from './message-vectors.js'
import { remakePaths } from './roster-vectors.js'
import { makeGolden } from './two-orgs.js'

// Makes the files anew that hold the formats of this version, after a deliberate change of a format. Tests read them from then on.

const pathOf = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url))

await remakeFrames(pathOf('packages/protocol/vectors/messages.json'))
await remakePaths(pathOf('packages/protocol/vectors/roster.json'))

// A dump holds the keys of devices, which no engine makes exportable.
const generate = webcrypto.subtle.generateKey.bind(webcrypto.subtle) as (...args: readonly unknown[]) => Promise<webcrypto.CryptoKeyPair>
webcrypto.subtle.generateKey = ((algorithm: unknown, _: boolean, usages: unknown) => generate(algorithm, true, usages)) as never
const folder = pathOf('test/golden')
await mkdir(folder, { recursive: true })
await makeGolden(folder)
