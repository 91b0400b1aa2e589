import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { feedName } from '@entente/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { admitOrg } from './org-admission.js'
import { runOrgs } from '../command/orgs.js'
import { openLibsqlStore } from '../store/libsql/libsql.js'
import { createDevice, createOrg, offerOf, RelayClient, rosterOffer, type TestDevice, type TestOrg, TestRelay } from '../testing/index.js'

const joinToken = 'a-join-token-for-tests'

describe('a relay that does not serve everyone', () => {
  let relay: TestRelay
  afterEach(() => relay.stop())

  const vendor = async (): Promise<{ org: TestOrg; vera: TestDevice }> => {
    const org = await createOrg()
    return { org, vera: await createDevice(org) }
  }
  const location = (): { data: string; store: undefined } => ({ data: relay.data, store: undefined })
  const refused = async (device: TestDevice, shown?: string): Promise<string> => {
    const client = new RelayClient(relay.url)
    await client.sayHello(device, shown === undefined ? {} : { join: shown })
    const { code, detail } = await client.next('failed')
    await client.closed()
    return `${code} ${detail}`
  }

  it('[AM1] serves the orgs on its list, from the moment on at which the operator puts them there', async () => {
    relay = await TestRelay.start({ admission: 'listed' })
    const { org, vera } = await vendor()
    expect(await refused(vera)).toContain('AUTH')
    await runOrgs({ command: 'orgs', action: 'allow', org: org.id, location: location() }, () => {})
    await (await RelayClient.connect(relay.url, vera)).close()
  })

  it('[AM2] lets an org in that brings the join token, and knows it from then on, over a restart too', async () => {
    relay = await TestRelay.start({ admission: 'token', joinToken })
    const { vera } = await vendor()
    expect(await refused(vera)).toContain('AUTH')
    expect(await refused(vera, `${joinToken}r`)).toContain('AUTH')
    await (await RelayClient.connect(relay.url, vera, { join: joinToken })).close()
    await relay.restart()
    await (await RelayClient.connect(relay.url, vera)).close()
    expect(relay.lines.join('\n')).not.toContain(joinToken)
  })

  it('[AM3] ends the sessions of an org that the operator revokes, and lets it in no more, join token or not', async () => {
    relay = await TestRelay.start({ admission: 'token', joinToken })
    const [{ org, vera }, { vera: other }] = [await vendor(), await vendor()]
    const client = await RelayClient.connect(relay.url, vera, { join: joinToken })
    const neighbour = await RelayClient.connect(relay.url, other, { join: joinToken })
    await runOrgs({ command: 'orgs', action: 'revoke', org: org.id, location: location() }, () => {})
    expect((await client.next('failed')).code).toBe('AUTH')
    expect(await client.closed()).toBe(1008)
    expect(await refused(vera, joinToken)).toContain('AUTH')
    neighbour.send({ type: 'ping' })
    await neighbour.next('pong')
  })
})

it('[AM3] an org that is revoked while it shows the join token stays revoked, and keeps its quota', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'entente-admission-'))
  const store = await openLibsqlStore(directory)
  const { id: org } = await createOrg()
  const read = await store.account(org)
  await store.changeAccount(org, { standing: 'revoked', quota: { docs: 5 } })
  await expect(admitOrg(read, joinToken, { admission: 'token', joinToken }, store)).rejects.toThrow('does not serve')
  expect(await store.account(org)).toMatchObject({ standing: 'revoked', quota: { docs: 5 } })
  await store.close()
  await rm(directory, { recursive: true })
})

describe('the quota of an org', () => {
  let relay: TestRelay
  afterEach(() => relay.stop())

  it('[QU1] refuses what would take up more, and takes everything else: reading, erasing, smaller docs (row 27)', async () => {
    relay = await TestRelay.start({ quota: { bytes: 3_000, docs: 3, connections: 0 } })
    const org = await createOrg()
    const [vera, colleague] = await Promise.all([createDevice(org), createDevice(org)])
    const feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
    const client = await RelayClient.connect(relay.url, vera)
    await client.read(1, feed)
    const say = async (key: string, size: number, seen = 0, kind: 'message' | 'erased' = 'message'): Promise<string> =>
      (await client.publish(1, { ...offerOf(key, kind, new Uint8Array(size)), seen })).code
    expect(await say('a', 2_000)).toBe('ACCEPTED')
    expect(await say('b', 1_001)).toBe('QUOTA')
    expect(await say('b', 900)).toBe('ACCEPTED')
    expect(await say('a', 2_101, 1)).toBe('QUOTA')
    expect(await say('a', 1_500, 1)).toBe('ACCEPTED')
    expect(await say('c', 10)).toBe('ACCEPTED')
    expect(await say('d', 10)).toBe('QUOTA')
    const reader = await RelayClient.connect(relay.url, colleague)
    expect((await reader.read(1, feed)).map((entry) => entry.key)).toEqual(['b', 'a', 'c'])
    expect(await say('a', 0, 3, 'erased')).toBe('ACCEPTED')
    expect(await say('d', 1_800)).toBe('ACCEPTED')
    // A tombstone takes up a little too, so that erasing keys that never were comes to an end; what is there can be erased in any case.
    const codes: string[] = []
    for (let number = 0; number < 4; number++) codes.push(await say(`never-${number}`, 0, 0, 'erased'))
    expect(codes).toEqual(['ACCEPTED', 'ACCEPTED', 'ACCEPTED', 'QUOTA'])
    expect(await say('c', 0, 4, 'erased')).toBe('ACCEPTED')
  })

  it('[QU2] has some room beyond it for control entries (row 27)', async () => {
    relay = await TestRelay.start({ quota: { bytes: 30_000, docs: 3, connections: 0 } })
    const org = await createOrg()
    const client = await RelayClient.connect(relay.url, await createDevice(org))
    await client.read(1, feedName({ kind: 'team', org: org.id, topic: 'messages' }))
    const codes: string[] = []
    for (let number = 0; number < 205; number++) codes.push((await client.publish(1, rosterOffer(org))).code)
    expect(codes.filter((code) => code === 'ACCEPTED').length).toBe(203)
    expect(codes.slice(203)).toEqual(['QUOTA', 'QUOTA'])
  })

  it('[QU1] is what the operator says of this org, as soon as it is said', async () => {
    relay = await TestRelay.start({ quota: { bytes: 100, docs: 0, connections: 0 } })
    const org = await createOrg()
    const client = await RelayClient.connect(relay.url, await createDevice(org))
    await client.read(1, feedName({ kind: 'team', org: org.id, topic: 'messages' }))
    const say = async (): Promise<string> => (await client.publish(1, offerOf('a', 'message', new Uint8Array(200)))).code
    expect(await say()).toBe('QUOTA')
    const location = { data: relay.data, store: undefined }
    await runOrgs({ command: 'orgs', action: 'quota', org: org.id, quota: { bytes: 1_000 }, location }, () => {})
    await expect.poll(say, { timeout: 5_000, interval: 200 }).toBe('ACCEPTED')
  })
})
