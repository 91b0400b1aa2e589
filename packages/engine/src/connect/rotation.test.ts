import { parseConnectionId, parseOrgId } from '@entente/protocol'
import rosters from '@entente/protocol/vectors/roster.json' with { type: 'json' }
import vectors from '@entente/protocol/vectors/rotation.json' with { type: 'json' }
import { compactVerify, importJWK } from 'jose'
import { decodeUtf8 } from 'lib0/string'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { decisionType } from '../identity/decision.js'
import { createExchangeKey, type ExchangeKey } from '../identity/keys.js'
import { receivingSecret, sendingSecret } from '../seal/keys.js'
import { seededRandom, setup } from '../testing/index.js'
import { messageEdit, requireConnection } from './connection-facts.js'
import { readDecision } from './peer-decision.js'
import { makeRotation, openRotation, owesRotation, receivingKey, type RotationTerms, rotationTerms } from './rotation.js'
import { rotationKey, textOf } from '../replica/feed-role.js'

const { steps, refused, answers, token } = vectors.connection
const connection = parseConnectionId(vectors.connection.id)

describe('the vectors of a connection’s rotations', () => {
  it.each(steps)('[RT4] hold where $name', async ({ terms, own, sending, receiving, opensWith }) => {
    const parsed = v.parse(rotationTerms, terms)
    expect(parsed).toEqual({ roster: 0, ...terms })
    expect(sendingSecret(own, connection, terms.generation)).toBe(sending)
    expect(await openRotation(connection, parsed, opensWith)).toBe(sending)
    expect(await openRotation(connection, { ...parsed, generation: terms.generation + 1 }, opensWith)).toBeUndefined()
    expect('receiving' in terms).toBe(receiving !== null)
    if (receiving === null) return
    expect(receivingSecret(own, connection, terms.generation)).toBe(receiving.secret)
    expect(await receivingKey(own, connection, terms.generation)).toEqual(receiving)
    expect(parsed.receiving).toBe(receiving.public)
  })

  it('[RT4, SD1] hold for a signed one', async () => {
    const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: rosters.keys.vera.x }, 'EdDSA')
    const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: ['EdDSA'] })
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: decisionType('rotation'), kid: rosters.keys.vera.thumbprint })
    const claims: unknown = JSON.parse(decodeUtf8(payload))
    expect(claims).toMatchObject({ connection, iss: parseOrgId(rosters.org), by: 'vera' })
    expect(v.parse(rotationTerms, claims)).toEqual({ roster: 0, ...steps[0]?.terms })
  })

  it.each(refused)('[RT4] hold for one that is refused: $name (row 94)', ({ terms }) => {
    expect(v.safeParse(rotationTerms, terms).success).toBe(false)
  })

  it.each(answers)('[RT5] hold for whether an answer is owed: $name', ({ own, peer, owes }) => {
    expect(owesRotation(own, peer)).toBe(owes)
  })
})

describe('two orgs that rotate', () => {
  interface Side {
    readonly own: string
    /** Its receiving keys by the generation that brought them. */
    readonly keys: Map<number, ExchangeKey>
    readonly said: RotationTerms[]
  }

  /** What one side says, and what the other opens of it. */
  async function rotate(of: Side, peer: Side, renews: boolean): Promise<string | undefined> {
    const generation = of.said.length + 1
    const newest = Math.max(...peer.keys.keys())
    const to = { generation: newest, key: peer.keys.get(newest)?.public ?? '' }
    const terms = await makeRotation({ connection, generation, own: { generation: 1, secret: of.own, roster: 0 }, to, renews })
    of.said.push(terms)
    if (renews) of.keys.set(generation, await receivingKey(of.own, connection, generation))
    const opener = peer.keys.get(terms.to)
    return opener && openRotation(connection, terms, opener)
  }

  const sides = async (): Promise<{ vista: Side; pine: Side }> => {
    const random = seededRandom(5)
    const side = async (own: string): Promise<Side> => ({
      own: own.repeat(42) + 'A',
      keys: new Map([[0, await createExchangeKey(random)]]),
      said: [],
    })
    return { vista: await side('V'), pine: await side('P') }
  }

  it('[RT4, RT5] at once come to rest after one answer each, and each opens what the other sends with', async () => {
    const { vista, pine } = await sides()
    const first = [
      await rotate(vista, { ...pine, keys: new Map(pine.keys) }, true),
      await rotate(pine, { ...vista, keys: new Map([[0, vista.keys.get(0) as ExchangeKey]]) }, true),
    ]
    expect(first).toEqual([sendingSecret(vista.own, connection, 1), sendingSecret(pine.own, connection, 1)])
    let rounds = 0
    for (; rounds < 5; rounds++) {
      const [vistaOwes, pineOwes] = [owesRotation(vista.said, pine.said), owesRotation(pine.said, vista.said)]
      if (!vistaOwes && !pineOwes) break
      if (vistaOwes) expect(await rotate(vista, pine, false)).toBe(sendingSecret(vista.own, connection, vista.said.length))
      if (pineOwes) expect(await rotate(pine, vista, false)).toBe(sendingSecret(pine.own, connection, pine.said.length))
    }
    expect([rounds, vista.said.length, pine.said.length]).toEqual([1, 2, 2])
  })

  it('[RT4] a device that Vista removed has its old receiving key, and does not open Pine’s answer', async () => {
    const { vista, pine } = await sides()
    const removed = vista.keys.get(0)
    await rotate(vista, pine, true)
    await rotate(pine, vista, false)
    const [answer] = pine.said
    expect(answer?.to).toBe(1)
    expect(answer && removed && (await openRotation(connection, answer, removed))).toBeUndefined()
  })
})

describe('a rotation in a connection’s messages', () => {
  it('[RT4, SD2] is Vera’s only as an admin of hers has signed it for this connection, and opens with the key that Paul revealed', async () => {
    const { vera, paul, connection: id, settle } = await setup({ upTo: 'connected' })
    const row = vera.rows.get('Connection', id)
    const to = { generation: 0, key: textOf(row, 'peerExchange') ?? '' }
    const own = { generation: 0, secret: textOf(vera.rows.get('Key', 'team'), 'secret') ?? '', roster: 0 }
    const terms = await makeRotation({ connection: id, generation: 1, own, to, renews: true })
    const body = await vera.identity.signDecision('rotation', { connection: id, ...terms })
    const { ownMessages } = requireConnection(vera.rows, id)
    await vera.rows.save([messageEdit(ownMessages, rotationKey(1), body)])
    await settle()
    const facts = requireConnection(paul.rows, id)
    const arrived = paul.replica.inbox(facts.peerMessages).get(rotationKey(1))?.body ?? null
    const decision = await readDecision(paul, facts, 'rotation', arrived, rotationTerms, 'admin')
    if (!decision.ok) throw new Error(decision.reason)
    const secret = textOf(paul.rows.get('Connection', id), 'exchangeKey') ?? ''
    const key = { secret, public: to.key }
    expect(await openRotation(id, decision.terms, key)).toBe(sendingSecret(own.secret, id, 1))
    // Paul cannot sign one in her name.
    const forged = await paul.identity.signDecision('rotation', { connection: id, ...terms })
    expect(await readDecision(paul, facts, 'rotation', forged, rotationTerms, 'admin')).toMatchObject({ ok: false })
  })
})
