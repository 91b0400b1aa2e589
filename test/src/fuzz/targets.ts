import { readFileSync } from 'node:fs'
import {
  admitAfter,
  admitUpdate,
  compactDoc,
  createDoc,
  decode,
  decodeClientFrame,
  decodeControlEntry,
  decodeGreeting,
  decodeHead,
  decodePolicy,
  decodeRelayFrame,
  decodeRoster,
  emptyVector,
  entry,
  loadDoc,
  parseConnectionId,
  parseFeed,
  parseOrgId,
  readSlots,
  rosterNumber,
  parseKey,
  vectorOfDoc,
  writeSlots,
} from '@entente/protocol'
import { type EngineDecoder, engineDecoders, type InputForm } from '@entente/engine/testing'

/** A decoder with the inputs from which others are made. */
export interface Target extends EngineDecoder {
  readonly seeds: readonly Uint8Array[]
}

const vectors = new URL('../../../packages/protocol/vectors/', import.meta.url)
const readVectors = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, vectors), 'utf8'))

/** Every text in a file of vectors that stands under one of these names. */
function texts(value: unknown, names: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, part]) => (typeof part === 'string' && names.includes(name) ? [part] : texts(part, names)))
}

function objects(value: unknown, names: readonly string[]): object[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, part]) => [
    ...(typeof part === 'object' && part !== null && names.includes(name) ? [part] : []),
    ...objects(part, names),
  ])
}

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'))
const fromText = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** All that read what comes from outside: those of the protocol, which relay and devices share, and those of the engine. */
export function allTargets(): readonly Target[] {
  const [rosters, heads, rotations, decisions, policies, controls, messages, names, seals, kits] = [
    'roster',
    'head',
    'rotation',
    'decisions',
    'policies',
    'control-entries',
    'messages',
    'names',
    'seal',
    'recovery-kit',
  ].map(readVectors)
  const joining = readVectors('joining')
  const { org, chain } = rosters as { readonly org: string; readonly chain: readonly { readonly token: string }[] }
  const { connection } = decisions as { readonly connection: string }
  const tokens = [rosters, heads, rotations, decisions].flatMap((each) => texts(each, ['token'])).map(fromText)
  const { docs, updates, base } = docSeeds()
  const frames = texts(messages, ['frame']).map(fromBase64)
  const said = [...objects(decisions, ['terms']), ...objects(rotations, ['terms', 'claims']), ...objects(heads, ['claims']), ...bodies]
  const bodySeeds = said.map((body) => fromText(JSON.stringify(body)))
  const known = vectorOfDoc(base)
  const slots = new Set(['0', '1', '2', 'e'])
  const own = (name: string, form: InputForm, seeds: readonly Uint8Array[], read: (input: Uint8Array) => unknown): Target => ({
    name,
    form,
    seeds,
    decode: read,
  })
  const ofEngine = engineDecoders({
    org: parseOrgId(org),
    rosters: chain.map(({ token }) => decodeRoster(token)),
    connection: parseConnectionId(connection),
    decodeText: (bytes, encoding) => new TextDecoder(encoding).decode(bytes),
  })
  const seedsOf: Readonly<Record<string, readonly Uint8Array[]>> = {
    'whole doc': docs,
    'update of a doc': updates,
    'sealed register': texts(seals, ['padded']).map(fromBase64),
    'invitation link': texts(names, ['secret']).flatMap((secret) =>
      [`${secret}.${org}`, `${secret}.VmlzdGE.${org}`].map((link) => fromText(`https://app.example/#invite=${link}`)),
    ),
    'package of a device that joins': texts(joining, ['text']).map(fromText),
    CSV: csvSeeds.map(fromText),
    'recovery kit': objects(kits, ['file']).map((file) => fromText(JSON.stringify(file))),
  }
  return [
    own('frame of a device', 'bytes', frames, decodeClientFrame),
    own('greeting of a device', 'bytes', frames, decodeGreeting),
    own('frame of a relay', 'bytes', frames, decodeRelayFrame),
    own('entry', 'bytes', entrySeeds(base), (input) => decode(entry, input)),
    own('roster', 'jws', tokens, (input) => decodeRoster(toText(input))),
    own('head', 'bytes', texts(heads, ['bytes']).map(fromBase64), decodeHead),
    own('control entry', 'bytes', texts(controls, ['bytes']).map(fromBase64), decodeControlEntry),
    own('policy', 'json', texts(policies, ['text', 'vendor', 'partner', 'policy']).map(fromText), decodePolicy),
    own('name of a feed', 'text', texts(names, ['name']).map(fromText), (input) => parseFeed(toText(input))),
    own('key of a roster', 'text', ['roster.1', 'roster.2147483647', 'policy'].map(fromText), (input) =>
      rosterNumber(parseKey(toText(input))),
    ),
    own('admission of a doc', 'bytes', docs, (input) => load([admitUpdate(input, emptyVector, slots).bytes])),
    own('admission of an update', 'bytes', updates, (input) => load([base, admitUpdate(input, known, slots).bytes])),
    own('admission after a doc', 'bytes', updates, (input) => admitAfter(base, input, undefined)),
    ...ofEngine.map((decoder) => ({
      ...decoder,
      seeds: seedsOf[decoder.name] ?? (decoder.form === 'jws' ? tokens : decoder.form === 'json' ? bodySeeds : docs),
    })),
  ]
}

/** What is admitted must load, be read, and be merged, as readers and the relay do. */
function load(states: readonly Uint8Array[]): unknown {
  return [readSlots(loadDoc(states)), compactDoc(states)]
}

function docSeeds(): { readonly docs: Uint8Array[]; readonly updates: Uint8Array[]; readonly base: Uint8Array } {
  const value = (fill: number, length = 40): Uint8Array => new Uint8Array(length).fill(fill)
  // As the engine's own decoders take it for the doc that is there.
  const base = createDoc(new Map([['0', value(1)]]), 5)
  const update = (session: number, ...slots: readonly string[]): Uint8Array =>
    writeSlots(loadDoc([base], session), new Map(slots.map((slot) => [slot, value(session % 256)])))
  const updates = [update(5, '0'), update(9, '0'), update(2 ** 53 - 1, '0', '1'), update(77, '1', '2', 'e')]
  const docs = [
    base,
    compactDoc([base, update(9, '0')]),
    createDoc(
      new Map([
        ['0', value(1)],
        ['1', value(2, 900)],
        ['e', value(3)],
      ]),
      3,
    ),
  ]
  let [long, session] = [base, 100]
  while (docs.length < 6) {
    for (let edits = 0; edits < 30; edits++)
      long = compactDoc([long, writeSlots(loadDoc([long], session++), new Map([['0', value(session % 256)]]))])
    docs.push(long)
  }
  return { docs, updates, base }
}

function entrySeeds(base: Uint8Array): Uint8Array[] {
  const key = fromText('deal-1')
  const of = (kind: number, bytes: Uint8Array): Uint8Array => {
    const length = bytes.length < 128 ? [bytes.length] : [0x80 | (bytes.length & 0x7f), bytes.length >> 7]
    return new Uint8Array([7, key.length, ...key, kind, 1, 1, 0, ...length, ...bytes])
  }
  return [of(0, base), of(1, key), of(3, new Uint8Array())]
}

const id = 'a'.repeat(22)
const field = { name: 'Amount', label: 'Amount', type: 'currency', precision: 18, scale: 2 }
const mapping = { source: 'Amount', target: 'Amount', update: true, picklist: { Won: 'Closed' }, truncate: true }
const error = { record: id, field: 'Amount', rule: 'shape', message: 'It is no amount.', fix: 'Write digits.' }

/** What the messages of a peer say that no vector has. */
const bodies: readonly object[] = [
  { version: 1, objects: { Lead: { fields: [{ field, update: true }], owner: 'OwnerName', passOn: true } } },
  { version: 1, proposal: 'hash', objects: { Opportunity: { fields: [mapping], targets: [field], defaults: { Stage: 'New' } } } },
  { version: 1, hash: 'hash' },
  { job: id, request: 1, object: 'Lead', version: 1, listings: [id] },
  { job: id, request: 1, part: 0, object: 'Lead', version: 1, answers: [{ listing: id, map: id, values: { Name: 'Ada' } }] },
  { job: id, request: 1, part: 0, results: [{ listing: id, map: id, status: 'ExportSuccess', errors: [error] }] },
  { object: 'Lead', id, values: { Name: 'Ada', Amount: { amount: '12.50', currency: 'EUR' } }, at: 1_767_603_600_000 },
  { people: [{ id: 'vera', name: 'Vera' }] },
  { granted: [{ id: 'vera', at: 1_767_603_600_000, objects: ['Lead'], until: 1_767_603_700_000 }], seats: 5 },
  { maps: [id] },
  { results: [{ map: id, outcome: 'shared on' }] },
  { time: 1_767_603_600_000, buckets: 'A'.repeat(4_096) },
  { time: 1_767_603_600_000, keys: ['deal-1'] },
  { time: 1_767_603_600_000, seals: [['deal-1', '0', 1, 3, 'AAAA']] },
  { time: 1_767_603_600_000, buckets: [1, 255], leaves: [['deal-1', 'AAAAAAAAAAAAAAAA']] },
  { transcript: 'a'.repeat(43) },
  { reveal: 'a.b.c', rosters: ['a.b.c'] },
  field,
]

const csvSeeds = [
  'Opportunity Name,Amount,Close Date,Stage\nAcme,"$1,054.00",2030-02-01,Won\nBeta,12,01/02/2030,Lost\n',
  '\ufeffsep=;\r\nName;Betrag;Datum\r\n"Mül""ler";1.054,00 €;01.02.2030\r\n;;\r\n',
  '# made by hand\n"a\nb"\tDone %\t3:30 PM\nyes\t50 %\t12:00\n',
]
