import { decodeRelayFrame, encodeRelayFrame, parseKey, policyKey, type RelayMessage } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { OpenSocket } from '../port/socket.js'
import { messageRowId } from '../replica/feed-key.js'
import { connectionFeed } from '../replica/feed-role.js'
import { mailboxId } from '../seal/keys.js'
import { agreementEdits, connectionEdits, MemoryNetwork, MemoryStore, partnerOrg, sampleConnection, setup } from '../testing/index.js'
import { openMemoryDevice } from '../testing/device.js'
import type { MemoryRelayOptions } from '../testing/relay.js'
import { feedOf } from '../testing/relay-state.js'

/** A relay that says other things than it knows. */
function lying(openSocket: OpenSocket, lie: (message: RelayMessage) => readonly RelayMessage[]): OpenSocket {
  return (url, events) =>
    openSocket(url, {
      ...events,
      onFrame(frame) {
        const told = decodeRelayFrame(frame).flatMap(lie)
        if (told.length > 0) events.onFrame(encodeRelayFrame(told))
      },
    })
}

async function openAt(lie: (message: RelayMessage) => readonly RelayMessage[], relay: Partial<MemoryRelayOptions> = {}) {
  const network = new MemoryNetwork({ relay })
  const problems: string[] = []
  const device = await openMemoryDevice({
    org: partnerOrg,
    store: new MemoryStore(),
    openSocket: lying(network.relay.openSocket, lie),
    clock: network.clock,
    random: network.random(),
    problem: (what) => problems.push(what),
  })
  await device.rows.save([...connectionEdits('partner'), ...agreementEdits('partner', 1, [0, 1, 2])])
  return { network, problems, ...device }
}

describe('a device at a relay that keeps it busy', () => {
  it('[W7] says so and goes on more slowly where the relay has lost a feed again and again', async () => {
    let lost = 0
    const { network, link, problems } = await openAt((message) => {
      if (message.type !== 'entries') return [message]
      lost++
      return [{ type: 'refused', what: 'feed', subject: message.feed, code: 'LOST', version: 0, retryMs: 0, detail: '' }]
    })
    link.start()
    await network.pass(300)
    const followed = 8
    expect(lost).toBeGreaterThan(0)
    expect(lost).toBeLessThanOrEqual(2 * followed)
    expect(problems).toContainEqual(expect.stringMatching(/^The relay says again that it has lost the feed/))
    link.stop()
  })

  const many = Array.from({ length: 60 }, (_, index) => ({
    object: 'Message',
    id: messageRowId(connectionFeed(sampleConnection, 'partner', 'messages'), parseKey(`m.${index}`)),
    values: { body: index },
  }))

  it('[AN3] publishes again over what a relay has rolled back, once it hears BEHIND and nothing comes', async () => {
    const device = await openAt((message) => [message])
    const { network, link, rows, replica } = device
    const [feed, key] = [connectionFeed(sampleConnection, 'partner', 'messages'), parseKey('m.0')]
    const say = (body: string) => rows.save([{ object: 'Message', id: messageRowId(feed, key), values: { body } }])
    const isSaid = (): boolean => replica.acknowledged(feed, key)
    link.start()
    await say('first')
    await network.until('the first is said', isSaid)
    const older = feedOf(network.relay.state, feed).keys.get(key)
    await say('second')
    await network.until('the second is said', isSaid)
    const { head, keys } = feedOf(network.relay.state, feed)
    if (older) {
      const feeds = new Map(network.relay.state.feeds).set(feed, { head, keys: new Map(keys).set(key, older) })
      network.relay.tamper({ ...network.relay.state, feeds })
    }
    await say('third')
    for (let second = 0; second < 120 && !isSaid(); second++) {
      network.clock.advance(1_000)
      await network.pass(2)
    }
    expect([isSaid(), (feedOf(network.relay.state, feed).keys.get(key)?.sequence ?? 0) > head]).toEqual([true, true])
    link.stop()
  })

  it('[AN3] publishes its policy again where the relay dropped it, once nothing comes of what it is told to wait for', async () => {
    const { vera, network, connection, record: ada } = await setup({ upTo: 'exported' })
    const feed = connectionFeed(connection, 'vendor', 'messages')
    const { head, keys } = feedOf(network.relay.state, feed)
    const without = new Map([...keys].filter(([key]) => key !== policyKey))
    network.relay.tamper({ ...network.relay.state, feeds: new Map(network.relay.state.feeds).set(feed, { head, keys: without }) })
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    for (let second = 0; second < 200 && vera.replica.waiting() > 0; second++) {
      network.clock.advance(1_000)
      await network.pass(4)
    }
    expect([vera.replica.waiting(), feedOf(network.relay.state, feed).keys.has(policyKey)]).toEqual([0, true])
  })

  it('[AN5] publishes a doc as a whole where the relay, whose copy is another, takes no update of it', async () => {
    const refused: string[] = []
    const refuses: MemoryRelayOptions['refuses'] = (_, { kind, whole, key }) => {
      if (kind !== 'doc' || whole) return undefined
      refused.push(key)
      return 'FRAME'
    }
    const { network, link, rows, replica, problems } = await openAt((message) => [message], { refuses })
    link.start()
    for (const values of [{ Name: 'Ada' }, { Status: 'Won' }]) {
      await rows.save([{ object: 'Lead', id: 'ada', values }])
      await network.until('it is at the relay', () => replica.waiting() === 0)
    }
    expect([refused.length, problems]).toEqual([1, []])
    link.stop()
  })

  async function minutes({ network }: Awaited<ReturnType<typeof openAt>>): Promise<void> {
    for (let second = 0; second < 200; second++) {
      network.clock.advance(1_000)
      await network.pass(2)
    }
  }

  it('[AN2] is up to date though the relay keeps what nobody will ever replace, and reads it again less and less often', async () => {
    const { network, link, problems } = await openAt((message) => [message])
    link.start()
    await network.pass(30)
    const feed = connectionFeed(sampleConnection, 'vendor', 'lead')
    const entry = {
      key: parseKey('never-shared'),
      kind: 'doc',
      epoch: { version: 1, number: 0 },
      whole: true,
      bytes: Uint8Array.of(9, 9),
    } as const
    network.relay.plant(feed, entry, true)
    await network.pass(30)
    expect([link.isSynced, problems]).toEqual([false, [expect.stringContaining('left out')]])
    const tries: number[] = []
    for (let second = 0; second < 100; second++) {
      network.clock.advance(1_000)
      await network.pass(5)
      tries.push(problems.length)
    }
    expect(link.isSynced).toBe(true)
    expect(tries[5]).toBeGreaterThan(1)
    expect(tries.at(-1)).toBeLessThan(10)
    link.stop()
  })

  it('[W7] offers less and less often where the relay has never time for it', async () => {
    let refused = 0
    const refuses = (): 'RATE' => {
      refused++
      return 'RATE'
    }
    const device = await openAt((message) => [message], { refuses })
    await device.rows.save(many)
    device.link.start()
    await minutes(device)
    expect(refused / many.length).toBeLessThan(40)
    expect(device.problems).toContainEqual(expect.stringMatching(/^The relay has accepted nothing for a while \(RATE\)/))
    device.link.stop()
  })

  it('[W7] offers less and less often what the relay says it has, and does not show', async () => {
    let accepted = 0
    const device = await openAt((message) => {
      if (message.type === 'accepted') accepted += message.ids.length
      return message.type === 'entries' ? [{ ...message, entries: [] }] : [message]
    })
    await device.rows.save(many)
    device.link.start()
    await minutes(device)
    expect(accepted / many.length).toBeLessThan(40)
    expect(device.problems).toContainEqual(expect.stringMatching(/does not show them/))
    device.link.stop()
  })

  it('[W7, MB8] shows a claim no more often than an invitation has tries, whatever the relay says is left', async () => {
    let shown = 0
    const { network, link, rows } = await openAt((message) => {
      if (message.type !== 'mailbox') return [message]
      shown++
      return [{ ...message, state: 'wrong', triesLeft: 1_000_000 }]
    })
    const heard: string[] = []
    link.onMailbox(({ state, triesLeft }) => heard.push(`${state} ${triesLeft}`))
    const secret = 'AAAAAAAAAAAAAAAAAAAAAA'
    const claim = { side: 'partner', secret, state: 'open' }
    await rows.save([{ object: 'Invitation', id: mailboxId(secret), values: claim }])
    link.start()
    for (let minute = 0; minute < 60; minute++) {
      network.clock.advance(10_000)
      await network.pass(2)
    }
    expect(shown).toBe(5)
    expect(heard).toEqual(['wrong 0'])
    link.stop()
  })
})

describe('an engine whose work fails', () => {
  it('[W7] tries again less and less often, and at once after a change', async () => {
    const { vera, network } = await setup()
    let tries = 0
    vera.reconcilers.add({
      name: 'bad work',
      subjects: () => [vera.user],
      react() {
        tries++
        return Promise.reject(new Error('No luck.'))
      },
    })
    await network.settle()
    const first = tries
    for (let minute = 0; minute < 60; minute++) {
      network.clock.advance(60_000)
      await network.settle()
    }
    expect(tries - first).toBeLessThanOrEqual(25)
    expect(tries - first).toBeGreaterThanOrEqual(12)
    expect(vera.problems).toContain('bad work: No luck.')
    const before = tries
    await vera.people.addUser('Viktor', 'member')
    await network.settle()
    expect(tries).toBeGreaterThan(before)
  })
})
