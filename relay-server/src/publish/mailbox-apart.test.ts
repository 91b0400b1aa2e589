import { createHash, randomBytes } from 'node:crypto'
import { feedName, mailboxIdOf, parseMailboxId } from '@entente/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createConnection, offerOf, RelayClient, ShiftedClock, type TestConnection, TestPostgres, TestRelay } from '../testing/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const hashOf = (claim: Uint8Array): Uint8Array => createHash('sha256').update(claim).digest()

// Paul knows the id of his connection with Vera, and holds it up as the id of an invitation of his own.
describe.each(['libsql', 'postgres'] as const)('a connection whose id Paul claims as an invitation, in %s', (kind) => {
  let database: TestPostgres | undefined
  let clock: ShiftedClock
  let relay: TestRelay
  let connection: TestConnection
  const claim = new Uint8Array(randomBytes(32))

  beforeAll(async () => {
    if (kind === 'postgres') database = await TestPostgres.start()
  }, 60_000)
  afterAll(() => database?.remove())
  const emptyRelay = async (): Promise<TestRelay> =>
    TestRelay.start({ sweepMs: 50, ...(database && { store: database.url(await database.newDatabase()) }) })
  beforeEach(async () => {
    clock = new ShiftedClock()
    relay = await emptyRelay()
    connection = await createConnection()
  })
  afterEach(async () => {
    clock.restore()
    await relay.stop()
  })

  /** Vera's listing is at the relay; neither side has registered a policy yet. */
  const listBefore = async (): Promise<void> => {
    const vera = await connection.open(relay.url, connection.vera)
    await vera.read(1, connection.feed('vendor', 'messages'))
    expect((await vera.publish(1, offerOf('listing', 'message', bytes('Vera’s')))).code).toBe('ACCEPTED')
    await vera.close()
  }
  const listings = async (): Promise<readonly string[]> => {
    const reader = await connection.open(relay.url, connection.paul)
    const entries = await reader.read(1, connection.feed('vendor', 'messages'))
    await reader.close()
    return entries.map((entry) => new TextDecoder().decode(entry.bytes))
  }
  const inviteUnderItsId = async (expires = Date.now() + 60_000): Promise<{ paul: RelayClient; answer: unknown }> => {
    // He does not say that the id is a connection’s: he attaches nothing.
    const paul = await RelayClient.connect(relay.url, connection.paul)
    paul.send({ type: 'invite', mailbox: parseMailboxId(connection.id), claimHash: hashOf(claim), expires })
    const answer = await paul.until(() => paul.heard.find(({ type }) => type === 'mailbox' || type === 'refused'), 'an answer')
    return { paul, answer }
  }

  it('[MB2, F4] keeps Vera’s listing: he does not become the writer of her messages', async () => {
    await listBefore()
    const { paul } = await inviteUnderItsId()
    await expect
      .soft(
        paul
          .read(1, connection.feed('vendor', 'messages'))
          .then(async () => (await paul.publish(1, { ...offerOf('listing', 'message', bytes('Paul’s')), seen: 1 })).code),
      )
      .rejects.toThrow('FEED')
    expect(await listings()).toEqual(['Vera’s'])
  })

  it('[MB5] keeps its messages when the time of his invitation is over', async () => {
    await listBefore()
    const { paul } = await inviteUnderItsId()
    // An honest invitation ends at the same time.
    paul.send({ type: 'invite', mailbox: mailboxIdOf(hashOf(claim)), claimHash: hashOf(claim), expires: Date.now() + 60_000 })
    const own = feedName({ kind: 'mailbox', mailbox: mailboxIdOf(hashOf(claim)), side: 'vendor' })
    await paul.read(2, own)
    expect((await paul.publish(2, offerOf('hello', 'message'))).code).toBe('ACCEPTED')
    clock.offset = 61_000
    await expect.poll(() => relay.lines.some((line) => line.includes('mailboxes-cleared')), { timeout: 3_000 }).toBe(true)
    await paul.close()
    expect(await listings()).toEqual(['Vera’s'])
  })

  it('[MB2] answers VOID before a policy is there, and after the relay has lost its disk (row 75)', async () => {
    expect.soft((await inviteUnderItsId()).answer).toMatchObject({ what: 'mailbox', code: 'VOID' })
    await relay.stop()
    relay = await emptyRelay()
    expect.soft((await inviteUnderItsId()).answer).toMatchObject({ what: 'mailbox', code: 'VOID' })
  })
})
