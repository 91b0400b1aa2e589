import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { feedName, revocationKey } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runOrgs } from '../command/orgs.js'
import { createDevice, createOrg, offerOf, proofOf, RelayClient, type TestDevice, TestRelay } from '../testing/index.js'

const hour = 60 * 60 * 1000

describe('coming back to a relay', () => {
  let relay: TestRelay
  let vera: TestDevice
  let offset = 0

  beforeEach(async () => {
    const now = Date.now.bind(Date)
    offset = 0
    vi.spyOn(Date, 'now').mockImplementation(() => now() + offset)
    relay = await TestRelay.start()
    vera = await createDevice(await createOrg())
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await relay.stop()
  })

  const team = (): ReturnType<typeof feedName> => feedName({ kind: 'team', org: vera.org, topic: 'messages' })

  const given = async (device = vera) => {
    const client = await RelayClient.connect(relay.url, device)
    await client.close()
    return client.resumption
  }

  /** What a relay answers to a device that shows this: how long its first frame is, or the code of the refusal. */
  const outcome = async (shown: Parameters<RelayClient['resume']>[0]): Promise<string> => {
    const client = new RelayClient(relay.url)
    await client.resume(shown)
    const answer = await client.until(() => client.heard.find(({ type }) => type === 'welcome' || type === 'failed'), 'an answer')
    await client.close()
    return answer.type === 'failed' ? answer.code : answer.type
  }

  it('[ID6] opens Vera’s session by what it gave her, as one that she signed for, and gives nothing new', async () => {
    const resumption = await given()
    expect(resumption.expires - Date.now()).toBeLessThanOrEqual(hour)
    const client = new RelayClient(relay.url)
    await client.resume(resumption)
    await client.next('welcome')
    await client.read(1, team())
    expect((await client.publish(1, offerOf('m', 'message'))).code).toBe('ACCEPTED')
    expect(() => client.resumption).toThrow('nothing')
    expect(relay.lines.filter((line) => line.includes('session-opened')).map((line) => line.includes('"resumed":true'))).toEqual([
      false,
      true,
    ])
    const log = relay.lines.join('\n')
    for (const secret of [
      resumption.ticket,
      Buffer.from(resumption.secret).toString('base64url'),
      Buffer.from(resumption.secret).toString('hex'),
    ])
      expect(log).not.toContain(secret)
  })

  it('[ID6] takes it over a restart, and no more once its disk is gone', async () => {
    const resumption = await given()
    await relay.restart()
    expect(await outcome(resumption)).toBe('welcome')
    await relay.restart((data) => rm(data, { recursive: true }))
    expect(await outcome(resumption)).toBe('AUTH')
    expect(await outcome(await given())).toBe('welcome')
  })

  it('[ID6] refuses another’s secret, a ticket that was changed, and what is none (row 11)', async () => {
    const resumption = await given()
    const other = await given(await createDevice(await createOrg()))
    const { ticket, secret } = resumption
    for (const shown of [
      { ticket, secret: other.secret },
      { ticket, secret: new Uint8Array(32) },
      { ticket: other.ticket, secret },
      { ticket: ticket.replace('admin', 'site'), secret },
      { ticket: ticket.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)), secret },
      { ticket: `${ticket}0`, secret },
      { ticket: ticket.slice(0, -1), secret },
      { ticket: '', secret },
      { ticket: 'x'.repeat(512), secret },
    ])
      expect(await outcome(shown), shown.ticket).toBe('AUTH')
    expect(await outcome(resumption)).toBe('welcome')
  })

  it('[ID3] [ID6] refuses a proof that was heard before, and one behind a hello (row 11)', async () => {
    const { ticket, secret } = await given()
    const overheard = new RelayClient(relay.url)
    const eve = new RelayClient(relay.url)
    const { nonce } = await overheard.next('challenge')
    await eve.next('challenge')
    eve.send({ type: 'resume', ticket, proof: proofOf(secret, nonce, eve.relayName) })
    expect((await eve.next('failed')).code).toBe('AUTH')
    expect(await eve.closed()).toBe(1008)
    overheard.send({ type: 'resume', ticket, proof: proofOf(secret, nonce, eve.relayName) })
    await overheard.next('welcome')
    overheard.send({ type: 'resume', ticket, proof: proofOf(secret, nonce, eve.relayName) })
    expect((await overheard.next('failed')).code).toBe('AUTH')
  })

  it('[ID6] takes it for an hour, and never beyond the end of the certificate (row 12)', async () => {
    const [hourly, ending] = [
      await given(),
      await given(await createDevice(await createOrg(), { expires: Math.floor(Date.now() / 1000) + 60 })),
    ]
    offset = 5 * 60_000
    expect([await outcome(hourly), await outcome(ending)]).toEqual(['welcome', 'welcome'])
    offset = 6 * 60_000 + 1_000
    expect([await outcome(hourly), await outcome(ending)]).toEqual(['welcome', 'AUTH'])
    offset = hour + 1_000
    expect(await outcome(hourly)).toBe('AUTH')
  })

  it('[ID3] [ID6] takes it at the relay that was dialled for it only', async () => {
    await relay.stop()
    relay = await TestRelay.start({ names: ['localhost:1', '127.0.0.1:2'] })
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    client.send({ type: 'hello', ...(await vera.hello(nonce, 'localhost:1')) })
    await client.next('welcome')
    const { ticket, secret } = client.resumption
    const comeBackTo = async (name: string): Promise<string> => {
      const again = new RelayClient(relay.url)
      const challenge = await again.next('challenge')
      again.send({ type: 'resume', ticket, proof: proofOf(secret, challenge.nonce, name) })
      const answer = await again.until(() => again.heard.find(({ type }) => type === 'welcome' || type === 'failed'), 'an answer')
      await again.close()
      return answer.type
    }
    expect([await comeBackTo('127.0.0.1:2'), await comeBackTo('localhost:1')]).toEqual(['failed', 'welcome'])
    await relay.restart()
    expect(await comeBackTo('localhost:1')).toBe('welcome')
  })

  it('[ID6] cannot be made out of a copy of the store', async () => {
    const resumption = await given()
    const names = await readdir(relay.data)
    const key = await readFile(join(relay.data, 'resume.key'))
    expect((await stat(join(relay.data, 'resume.key'))).mode & 0o777).toBe(0o600)
    for (const name of names.filter((each) => each !== 'resume.key'))
      expect((await readFile(join(relay.data, name))).includes(key), name).toBe(false)
    await relay.restart((data) => rm(join(data, 'resume.key')))
    expect(await outcome(resumption)).toBe('AUTH')
  })

  it('[ID6] keeps its key to its user, makes another where it is none, and says so where it cannot keep one', async () => {
    const file = (data: string): string => join(data, 'resume.key')
    const resumption = await given()
    await relay.restart((data) => chmod(file(data), 0o644))
    expect((await stat(file(relay.data))).mode & 0o777).toBe(0o600)
    expect(await outcome(resumption)).toBe('welcome')
    await relay.restart((data) => writeFile(file(data), 'short', { mode: 0o644 }))
    expect((await stat(file(relay.data))).mode & 0o777).toBe(0o600)
    expect(await outcome(resumption)).toBe('AUTH')
    expect(relay.lines.join('\n')).not.toContain('resume-key-not-kept')
    await relay.restart(async (data) => {
      await rm(file(data))
      await mkdir(file(data))
    })
    expect(relay.lines.join('\n')).toContain('resume-key-not-kept')
    expect(await outcome(await given())).toBe('welcome')
  })

  it('[ID4] [ID6] refuses a device that was revoked since (row 12)', async () => {
    const org = await createOrg()
    const [admin, device] = [await createDevice(org, { role: 'admin' }), await createDevice(org)]
    const resumption = await given(device)
    const client = await RelayClient.connect(relay.url, admin)
    await client.read(1, feedName({ kind: 'team', org: org.id, topic: 'messages' }))
    expect((await client.publish(1, offerOf(revocationKey(device.id), 'control'))).code).toBe('ACCEPTED')
    expect(await outcome(resumption)).toBe('AUTH')
  })

  it('[AM3] [ID6] refuses an org that the operator revoked since', async () => {
    const resumption = await given()
    await runOrgs({ command: 'orgs', action: 'revoke', org: vera.org, place: { data: relay.data, store: undefined } }, () => {})
    expect(await outcome(resumption)).toBe('AUTH')
  })

  it('[ID6] gives it only where nobody reads along, and to devices that know of it', async () => {
    await relay.stop()
    relay = await TestRelay.start({ names: ['relay.example', 'localhost:1', '[::1]:2'], trustedProxies: ['127.0.0.1'] })
    const givenAs = async (name: string, version?: number, headers = {}): Promise<RelayClient['resumption']> => {
      const client = new RelayClient(relay.url, undefined, headers)
      const { nonce } = await client.next('challenge')
      client.send({ type: 'hello', ...(await vera.hello(nonce, name, version === undefined ? {} : { version })) })
      await client.next('welcome')
      client.send({ type: 'ping' })
      await client.next('pong')
      await client.close()
      return client.resumption
    }
    await expect(givenAs('relay.example')).rejects.toThrow('nothing')
    await expect(givenAs('relay.example', 2, { 'x-forwarded-proto': 'http' })).rejects.toThrow('nothing')
    expect(await givenAs('relay.example', 2, { 'x-forwarded-proto': 'https' })).toMatchObject({ type: 'resumption' })
    await expect(givenAs('localhost:1', 1)).rejects.toThrow('nothing')
    for (const name of ['localhost:1', '[::1]:2']) expect(await givenAs(name)).toMatchObject({ type: 'resumption' })
  })
})
