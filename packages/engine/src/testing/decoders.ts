import { type ConnectionId, createDoc, feedName, type OrgId, parseKey, parseMailboxId, type Roster, zeroEpoch } from '@entente/protocol'
import { decodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { adoptionTerms } from '../agree/adoption.js'
import { acceptanceTerms, agreedTerms, proposalTerms } from '../agree/agreement-terms.js'
import { objectsTerms } from '../agree/objects.js'
import { wishAnswerTerms, wishTerms } from '../agree/wishes.js'
import { withdrawalTerms } from '../agree/withdrawal.js'
import { parseLink } from '../connect/invitation-link.js'
import { joinTerms } from '../join/join-org.js'
import { readParts } from '../devices/join-package.js'
import { jwsOfReveal, readReveal } from '../connect/reveal.js'
import { rotationTerms } from '../connect/rotation.js'
import { pauseTerms } from '../connect/pause.js'
import { verifiedTerms } from '../connect/verification-reconciler.js'
import { convertAllRows, decodeCsvBytes, type DecodeText, guessColumns, guessesToMapping, parseCsv } from '../csv/index.js'
import { packageTerms, requestTerms, resultTerms } from '../export/export-messages.js'
import { recalledTerms, recallTerms } from '../export/recall-copies.js'
import { heldBody, leavesBody } from '../heads/difference-reconciler.js'
import { backBody } from '../heads/handing-back-reconciler.js'
import { type DeviceLookup, verifyDecision, verifyHead } from '../identity/decision.js'
import { readOwnRotation } from '../identity/own-rotation.js'
import { readKit } from '../identity/recovery-kit.js'
import { readRoster } from '../identity/roster.js'
import { grantTerms, peopleTerms } from '../people/announcement-reconciler.js'
import { joinUpdate } from '../replica/join-update.js'
import { vendorSchema } from '../sample/index.js'
import { parseField } from '../schema/field.js'
import { parseValue, type Value } from '../schema/value.js'
import { encrypt } from '../seal/cipher.js'
import { bindingToBytes, open } from '../seal/seal-register.js'
import { listingSchema } from '../share/listing.js'

/** What inputs of a decoder look like, and so which changes to one are worth trying. */
export type InputForm = 'bytes' | 'json' | 'jws' | 'csv' | 'text'

/**
 * One place where the engine reads what another org, a relay, a person or a file brings. It gives something back, or throws an EngineError or a ProtocolError.
 * Bytes that are no UTF-8 are none of its inputs where the form is a text's.
 */
export interface EngineDecoder {
  readonly name: string
  readonly form: InputForm
  readonly decode: (input: Uint8Array) => unknown
}

/** Whose signatures the decoders know. */
export interface DecodersContext {
  readonly org: OrgId
  /** From one that the root key signed. */
  readonly rosters: readonly Roster[]
  readonly connection: ConnectionId
  /** The platform's: `(bytes, encoding) => new TextDecoder(encoding).decode(bytes)`. */
  readonly decodeText: DecodeText
}

/** Every schema of what a decision or a message of a peer says, by name. */
const terms: Readonly<Record<string, v.GenericSchema>> = {
  proposal: proposalTerms,
  acceptance: acceptanceTerms,
  agreed: agreedTerms,
  withdrawal: withdrawalTerms,
  adoption: adoptionTerms,
  verified: verifiedTerms,
  join: joinTerms,
  pause: pauseTerms,
  objects: objectsTerms,
  wish: wishTerms,
  wishAnswer: wishAnswerTerms,
  rotation: rotationTerms,
  request: requestTerms,
  package: packageTerms,
  result: resultTerms,
  recall: recallTerms,
  recalled: recalledTerms,
  listing: listingSchema,
  people: peopleTerms,
  grants: grantTerms,
  held: heldBody,
  leaves: leavesBody,
  back: backBody,
}

const binding = {
  feed: feedName({ kind: 'mailbox', mailbox: parseMailboxId('m'.repeat(22)), side: 'vendor' }),
  key: parseKey('k'),
  slot: '0',
  epoch: zeroEpoch,
}
const sealKey = new Uint8Array(32).fill(7)
const nonce = new Uint8Array(24).fill(9)

/** All of them. @param context whose rosters decide which signatures are right */
export function engineDecoders({ org, rosters, connection, decodeText }: DecodersContext): readonly EngineDecoder[] {
  const devices: DeviceLookup = {
    device: async (of, id) => (of === org ? rosters.findLast(({ devices: listed }) => listed.has(id))?.devices.get(id) : undefined),
  }
  const base = createDoc(new Map([['0', new Uint8Array(40).fill(1)]]), 5)
  const slots = new Set(['0', '1', '2', 'e'])
  return [
    ...Object.entries(terms).map(([name, schema]): EngineDecoder => ({
      name: `${name} terms`,
      form: 'json',
      // As a decision is read: its terms are plain values by then.
      decode: (input) => v.safeParse(schema, valueOrNull(json(input)), { abortEarly: true }),
    })),
    { name: 'value', form: 'json', decode: (input) => parseValue(json(input)) },
    { name: 'field', form: 'json', decode: (input) => parseField(json(input)) },
    { name: 'decision', form: 'jws', decode: (input) => verifyDecision(text(input), 'withdrawal', devices, { org, connection }) },
    { name: 'signed head', form: 'jws', decode: (input) => verifyHead(text(input), org, devices) },
    { name: 'signed roster', form: 'jws', decode: (input) => readRoster(text(input), org, rosters[0]) },
    { name: 'own rotation', form: 'jws', decode: (input) => readOwnRotation(text(input), org, rosters) },
    {
      name: 'reveal',
      form: 'json',
      decode: (input) => {
        const body = valueOrNull(json(input))
        return [jwsOfReveal(body), readReveal(body, parseMailboxId('m'.repeat(22)), { highest: async () => undefined })][1]
      },
    },
    { name: 'recovery kit', form: 'json', decode: (input) => readKit(text(input)) },
    { name: 'invitation link', form: 'text', decode: (input) => parseLink(text(input)) },
    { name: 'package of a device that joins', form: 'json', decode: (input) => readParts([input]) },
    {
      // Sealed by a peer, who has the key: whatever is within.
      name: 'sealed register',
      form: 'bytes',
      decode: (input) => {
        const box = encrypt(sealKey, nonce, bindingToBytes(binding), input)
        const sealed = new Uint8Array(1 + nonce.length + box.length)
        sealed.set(nonce, 1)
        sealed.set(box, 1 + nonce.length)
        return open(sealKey, binding, sealed)
      },
    },
    { name: 'whole doc', form: 'bytes', decode: (input) => joinUpdate(undefined, input, slots) },
    {
      name: 'update of a doc',
      form: 'bytes',
      decode: (input) => {
        const before = base.slice()
        const joined = joinUpdate({ state: before, deferred: false }, input, slots)
        if (before.some((byte, index) => byte !== base[index])) throw new TypeError('The doc was changed in place.')
        return joined
      },
    },
    {
      name: 'CSV',
      form: 'csv',
      decode: async (input) => {
        const decoded = decodeCsvBytes(input, decodeText)
        const parsed = decoded.ok ? await parseCsv(decoded.text) : decoded
        if (!parsed.ok) return parsed
        const schema = vendorSchema('Opportunity')
        // A column takes a tenth of a millisecond to guess, and a page guesses once: so many of them are enough here.
        const some = { ...parsed.table, columns: parsed.table.columns.slice(0, 100) }
        const columns = guessesToMapping(await guessColumns(some, schema))
        const { report } = await convertAllRows(parsed.table, { schema, columns, keepGood: true })
        return report.problems.map(({ rule }) => rule)
      },
    },
  ]
}

/** An empty text for bytes that are no UTF-8. */
function text(input: Uint8Array): string {
  try {
    return decodeUtf8(input)
  } catch {
    return ''
  }
}

function json(input: Uint8Array): unknown {
  try {
    return JSON.parse(text(input))
  } catch {
    return undefined
  }
}

function valueOrNull(input: unknown): Value {
  const parsed = parseValue(input)
  return parsed.ok ? parsed.value : null
}
