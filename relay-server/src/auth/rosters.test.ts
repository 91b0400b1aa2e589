import { limits, type ListedDevice, type RosterClaims, rosterFeedOf, rosterKey } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  controlBytes,
  createConnection,
  createDevice,
  createOrg,
  followingClaims,
  nextRoster,
  offerOf,
  type Outcome,
  RelayClient,
  rosterOffer,
  signRoster,
  type TestDevice,
  type TestOrg,
  TestRelay,
  without,
} from '../testing/index.js'

describe('the roster of an org', () => {
  let relay: TestRelay
  let org: TestOrg
  let admin: TestDevice
  let member: TestDevice

  beforeEach(async () => {
    relay = await TestRelay.start()
    org = await createOrg()
    admin = await createDevice(org)
    member = await createDevice(org, { role: 'member', user: 'Max' })
  })
  afterEach(() => relay.stop())

  /** Opens a session that reads the feed in which the org publishes its rosters. */
  const open = async (device: TestDevice): Promise<RelayClient> => {
    const client = await RelayClient.connect(relay.url, device)
    await client.read(1, rosterFeedOf(device.org))
    return client
  }
  /** Says hello with these rosters before it, whatever the org has. @returns `welcome`, or the code */
  const enter = async (device: TestDevice, rosters: readonly string[], roster?: number): Promise<string> => {
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    const said = device.hello(nonce, client.relayName, roster === undefined ? {} : { roster })
    client.send(...rosters.map((each) => ({ type: 'roster' as const, roster: each })), said)
    const answer = await client.until(() => client.heard.find(({ type }) => type === 'welcome' || type === 'failed'), 'an answer')
    await client.close()
    return answer.type === 'failed' ? answer.code : answer.type
  }
  const publish = (client: RelayClient, token: string, number: number): Promise<Outcome> =>
    client.publish(1, offerOf(rosterKey(number), 'control', controlBytes(token)))
  const next = (by: TestDevice, change: Partial<RosterClaims> = {}): string =>
    signRoster({ ...followingClaims(org), ...change }, { device: by })

  it('[RO3, ID4] ends the session of a device that an admin removes, and opens none again, not after a restart either (rows 12, 76)', async () => {
    const vera = await open(admin)
    const thief = await open(member)
    const old = [...org.rosters]
    const token = next(admin, { devices: [...without(org, member)] })
    expect((await publish(vera, token, 3)).code).toBe('ACCEPTED')
    expect((await thief.next('failed')).code).toBe('AUTH')
    expect(await thief.closed()).toBe(1008)
    for (const rosters of [[], old.slice(-1), old, [...old, token]]) expect(await enter(member, rosters)).toBe('AUTH')
    await relay.restart()
    for (const rosters of [[], old]) expect(await enter(member, rosters)).toBe('AUTH')
    expect(await enter(admin, [])).toBe('welcome')
  })

  it('[RO6] is taken in and shown by each device before the relay takes anything else of it', async () => {
    const vera = await open(admin)
    const max = await open(member)
    const token = next(admin)
    const say = (client: RelayClient, key: string): Promise<Outcome> => client.publish(1, offerOf(key, 'message', new Uint8Array(40)))
    expect((await say(max, 'before')).code).toBe('ACCEPTED')
    expect((await publish(vera, token, 3)).code).toBe('ACCEPTED')
    for (const client of [vera, max]) expect((await say(client, `early-${client === vera ? 'v' : 'm'}`)).code).toBe('AUTH')
    max.send({ type: 'roster', roster: org.rosters[1] ?? '' })
    expect((await say(max, 'early')).code).toBe('AUTH')
    for (const client of [vera, max]) client.send({ type: 'roster', roster: token })
    expect((await say(vera, 'after-v')).code).toBe('ACCEPTED')
    expect((await say(max, 'after-m')).code).toBe('ACCEPTED')
  })

  it('[RO1, RO5] follows the one before it: what a member, a removed admin or another org signs changes nothing', async () => {
    const vera = await open(admin)
    const max = await open(member)
    const mallory = await createDevice(await createOrg())
    const promoted: ListedDevice[] = org.devices.map((listed) => ({ ...listed, role: 'admin' }))
    expect((await publish(max, next(member, { devices: promoted }), 3)).code).toBe('AUTH')
    expect((await publish(vera, next(mallory), 3)).code).toBe('AUTH')
    expect((await publish(vera, next(admin, { number: 4 }), 4)).code).toBe('AUTH')
    expect((await publish(vera, next(admin), 4)).code).toBe('FRAME')
    expect((await publish(vera, next(admin, { devices: [...without(org, admin)] }), 3)).code).toBe('FRAME')
    expect((await publish(vera, 'no.roster.this', 3)).code).toBe('FRAME')
    const [head, body] = next(admin).split('.')
    expect((await publish(vera, member.sign(`${head}.${body}`), 3)).code).toBe('AUTH')
    expect((await publish(vera, next(admin), 3)).code).toBe('ACCEPTED')
    expect((await publish(max, next(admin), 3)).code).toBe('BEHIND')
  })

  it('[RO2] with a key of small order is none: anyone could sign as that device (row 76)', async () => {
    const vera = await open(admin)
    const weak = org.devices.map((listed) => (listed.key === admin.key.x ? listed : { ...listed, key: `AQ${'A'.repeat(41)}` }))
    const token = next(admin, { devices: weak })
    expect((await publish(vera, token, 3)).code).toBe('FRAME')
    await relay.restart()
    expect(await enter(admin, [...org.rosters, token], 3)).toBe('AUTH')
  })

  it('[RO5] of two admins who remove each other at once the second is BEHIND, and nobody any more', async () => {
    const other = await createDevice(org, { user: 'Victor' })
    const [vera, victor] = [await open(admin), await open(other)]
    const [hers, his] = [next(admin, { devices: [...without(org, other)] }), next(other, { devices: [...without(org, admin)] })]
    const first = publish(vera, hers, 4)
    const second = publish(victor, his, 4).catch((error: unknown) => String(error))
    expect((await first).code).toBe('ACCEPTED')
    expect(JSON.stringify(await second)).toMatch(/BEHIND|AUTH/)
    expect(await victor.closed()).toBe(1008)
    expect(await enter(other, [...org.rosters, his])).toBe('AUTH')
    vera.send({ type: 'ping' })
    await vera.next('pong')
  })

  it('[RO4] is brought to a relay that lost its disk, link by link, by any device that is on it', async () => {
    const links = org.rosters.slice(0, 1)
    // From the second roster on an admin signs, as an org does whose root key lies in a safe.
    org.rosters.length = 1
    for (let number = 2; number <= 6; number++) {
      const token = next(admin)
      org.rosters.push(token)
      links.push(token)
    }
    expect(await enter(member, [])).toBe('AUTH')
    expect(await enter(member, links.slice(-1))).toBe('AUTH')
    expect(await enter(member, links.toReversed())).toBe('AUTH')
    expect(await enter(member, links)).toBe('welcome')
    expect(await enter(admin, [])).toBe('welcome')
    await relay.restart()
    expect(await enter(admin, [])).toBe('welcome')
  })

  it('[RO4, RO7] is brought by a path that leaves some out, signed by who is an admin on the one before, and not with too many left out', async () => {
    const path = org.rosters.slice(0, 1)
    const far = next(admin, { number: 2 + limits.rostersLeftOut })
    expect(await enter(admin, [...path, next(admin, { number: 3 + limits.rostersLeftOut })], 3 + limits.rostersLeftOut)).toBe('AUTH')
    expect(await enter(member, [...path, next(member, { number: 50 })], 50)).toBe('AUTH')
    expect(await enter(admin, [...path, next(admin, { number: 50 })], 50)).toBe('welcome')
    // Also to a relay that knows one of those which are left out.
    expect(await enter(member, [...path, far], 2 + limits.rostersLeftOut)).toBe('welcome')
    const vera = await open(admin)
    // What is published leaves out none.
    expect((await publish(vera, next(admin, { number: 4 + limits.rostersLeftOut }), 4 + limits.rostersLeftOut)).code).toBe('AUTH')
  })

  it('[RO3, RO4] that a device brings to a relay restored from a backup shuts out who was removed since', async () => {
    const thief = await open(member)
    const removed = nextRoster(org, without(org, member))
    expect(await enter(admin, [], 3)).toBe('AUTH')
    expect(await enter(admin, [removed], 3)).toBe('welcome')
    expect(await thief.closed()).toBe(1008)
  })

  it('[RO1] signed by the root key follows any lower number: that is how an org recovers', async () => {
    await open(admin)
    const anew = await createOrg()
    const recovered = await createDevice(anew)
    const claims = { ...followingClaims(org), number: 90, devices: [...anew.devices] }
    const hello = { ...recovered, org: org.id }
    const token = signRoster(claims, { root: org.root })
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    const parts = hello.hello(nonce, client.relayName, { roster: 90 }).token.split('.')
    const said = { ...JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString()), org: org.id }
    client.send(
      { type: 'roster', roster: token },
      { type: 'hello', token: recovered.sign(`${parts[0]}.${Buffer.from(JSON.stringify(said)).toString('base64url')}`) },
    )
    await client.next('welcome')
    expect(await enter(admin, org.rosters)).toBe('AUTH')
  })

  it('[ID2] of another org lets nobody in under this org’s name (row 13)', async () => {
    await open(admin)
    const rival = await createOrg()
    const eve = await createDevice(rival)
    const forged = signRoster({ ...followingClaims(org), devices: [...rival.devices] }, { root: rival.root })
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    const [head, body] = eve.hello(nonce, client.relayName).token.split('.')
    const claims = { ...JSON.parse(Buffer.from(body ?? '', 'base64url').toString()), org: org.id }
    const token = eve.sign(`${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`)
    client.send({ type: 'roster', roster: forged }, { type: 'hello', token })
    expect((await client.next('failed')).code).toBe('AUTH')
  })

  it('[RO4] tells a stranger nothing: an unknown org, a device that is not on it and a number that is too high get the same words', async () => {
    await open(admin)
    const stranger = await createDevice(await createOrg())
    const words = new Set<string>()
    for (const [device, roster] of [
      [stranger, 1],
      [admin, 99],
      [{ ...stranger, org: org.id }, 1],
    ] as const) {
      const client = new RelayClient(relay.url)
      const { nonce } = await client.next('challenge')
      client.send(device.hello(nonce, client.relayName, { roster }))
      const { code, detail } = await client.next('failed')
      words.add(`${code} ${detail}`)
    }
    // One that is on it, in whose name somebody else signs, and one that answers another challenge.
    for (const forge of [
      (said: string) => stranger.sign(said.slice(0, said.lastIndexOf('.'))),
      () => admin.hello(new Uint8Array(16), 'relay').token,
    ]) {
      const client = new RelayClient(relay.url)
      const { nonce } = await client.next('challenge')
      client.send({ type: 'hello', token: forge(admin.hello(nonce, client.relayName).token) })
      const { code, detail } = await client.next('failed')
      words.add(`${code} ${detail}`)
    }
    expect(words.size).toBe(1)
  })

  it('[RO5] stands in a connection’s messages too, and is published again after a loss as it was', async () => {
    const vera = await open(admin)
    for (const [index, token] of org.rosters.entries()) expect((await publish(vera, token, index + 1)).code).toBe('ACCEPTED')
    expect((await vera.publish(1, rosterOffer(org))).code).toBe('ACCEPTED')
    expect((await vera.publish(1, { ...offerOf(rosterKey(9), 'message') })).code).toBe('FIELD')
  })

  it('[RO5] has one content under each number, in whichever feed it stands', async () => {
    const connection = await createConnection()
    const { vendor } = connection
    const vera = await connection.open(relay.url, connection.vera)
    await vera.read(1, rosterFeedOf(vendor.id))
    await vera.read(2, connection.feed('vendor', 'messages'))
    const [first, second] = [1, 2].map((time) => signRoster({ ...followingClaims(vendor), time }, { device: connection.vera }))
    const say = async (feed: number, token = ''): Promise<string> =>
      (await vera.publish(feed, offerOf(rosterKey(2), 'control', controlBytes(token)))).code
    expect([await say(1, first), await say(2, second), await say(2, first)]).toEqual(['ACCEPTED', 'BEHIND', 'ACCEPTED'])
  })
})
