import { createPrivateKey, sign as signText } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { decodeRoster, limits, rosterType } from '@entente/protocol'

interface Keys {
  readonly d: string
  readonly x: string
  readonly thumbprint: string
}

interface RosterVectors {
  readonly org: string
  readonly keys: Readonly<Record<string, Keys>>
  readonly exchange: Readonly<Record<string, { readonly x: string }>>
}

/** A path of rosters, as tokens; what a reader may know already; and the numbers that are new to it, or null where it refuses the path. */
interface PathVector {
  readonly name: string
  readonly rosters: readonly string[]
  readonly known?: string
  readonly numbers: readonly number[] | null
}

type Person = 'vera' | 'victor' | 'agent'

/** Signs the paths of a file of rosters again, with the keys in it. Its other parts stay as they are. */
export async function remakePaths(path: string): Promise<void> {
  const plain = JSON.parse(await readFile(path, 'utf8')) as RosterVectors
  await writeFile(path, `${JSON.stringify({ ...plain, paths: pathsOf(plain) }, null, 2)}\n`)
}

function pathsOf({ org, keys, exchange }: RosterVectors): readonly PathVector[] {
  const lineOf = (person: Person) => ({
    key: keys[person]?.x,
    exchange: exchange[person]?.x,
    person,
    role: person === 'agent' ? 'agent' : 'admin',
  })
  const encode = (part: string | Buffer): string => (typeof part === 'string' ? Buffer.from(part) : part).toString('base64url')
  const sign = (by: Person | 'root', number: number, on: readonly Person[], before?: string): string => {
    const { d = '', x = '', thumbprint = '' } = keys[by] ?? {}
    const previous = before === undefined ? {} : { previous: decodeRoster(before).hash }
    const signer = by === 'root' ? { jwk: { kty: 'OKP', crv: 'Ed25519', x } } : { kid: thumbprint }
    const claims = { org, number, ...previous, time: 1_795_000_000_000 + number, devices: on.map(lineOf) }
    const text = [{ alg: 'EdDSA', typ: rosterType, ...signer }, claims].map((part) => encode(JSON.stringify(part))).join('.')
    const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x, d }, format: 'jwk' })
    return `${text}.${encode(signText(null, Buffer.from(text), key))}`
  }
  const one = sign('root', 1, ['vera'])
  const two = sign('vera', 2, ['vera', 'victor'], one)
  const three = sign('vera', 3, ['vera', 'victor', 'agent'], two)
  const four = sign('victor', 4, ['victor', 'agent'], three)
  const five = sign('victor', 5, ['victor'], four)
  // Vera was removed with the fourth. What she signs in its place, and after it, follows from the third.
  const hers = sign('vera', 4, ['vera', 'agent'], three)
  const after = sign('vera', 5, ['vera'], hers)
  const [far, tooFar] = [limits.rostersLeftOut + 2, limits.rostersLeftOut + 3]
  return [
    { name: 'all rosters', rosters: [one, two, three, four, five], numbers: [1, 2, 3, 4, 5] },
    { name: 'without those that its signers prove', rosters: [one, two, five], numbers: [1, 2, 5] },
    { name: 'as far out as it may be', rosters: [one, sign('vera', far, ['vera'], five)], numbers: [1, far] },
    { name: 'with one left out too many', rosters: [one, sign('vera', tooFar, ['vera'], five)], numbers: null },
    { name: 'without the roster that made its signer an admin', rosters: [one, five], numbers: null },
    { name: 'without one that the root key signed', rosters: [two, five], numbers: null },
    { name: 'with one that names another before it', rosters: [one, two, three, sign('victor', 4, ['victor'], two)], numbers: null },
    { name: 'to a reader who knows one that is left out', rosters: [one, two, five], known: three, numbers: [5] },
    { name: 'to a reader who knows more', rosters: [one, three], known: five, numbers: [] },
    { name: 'of who was removed, to a reader who knows of that', rosters: [one, hers], known: four, numbers: null },
    { name: 'of who was removed, beyond what the reader knows', rosters: [one, after], known: four, numbers: null },
  ]
}
