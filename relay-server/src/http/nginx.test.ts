import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeRelayFrame, encodeClientFrame, type RelayMessage } from '@entente/protocol'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createDevice, createOrg, TestRelay } from '../testing/index.js'

const guide = fileURLToPath(new URL('../../../docs/operate.md', import.meta.url))
const host = 'relay.example.com'
// Linux alone has all of 127.0.0.0/8 to come from.
const canTry = process.platform === 'linux' && spawnSync('nginx', ['-v']).status === 0 && spawnSync('openssl', ['version']).status === 0

describe.skipIf(!canTry)('a relay behind nginx, set up as docs/operate.md says', () => {
  let directory: string
  let relay: TestRelay
  let nginx: ChildProcess
  let port: number
  let ca: Buffer

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'entente-nginx-'))
    const file = (name: string): string => join(directory, name)
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
    execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', file('key'), '-out', file('cert'), ...subject], { stdio: 'ignore' })
    ca = await readFile(file('cert'))
    relay = await TestRelay.start({ names: [host], trustedProxies: ['127.0.0.1'] })
    const example = /```nginx\n([\s\S]+?)```/.exec(await readFile(guide, 'utf8'))?.[1] ?? ''
    const siteAt = (port: number): string =>
      example
        .replace('127.0.0.1:8787', `127.0.0.1:${relay.port}`)
        .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
        .replace(/ssl_certificate .+;/, `ssl_certificate ${file('cert')};`)
        .replace(/ssl_certificate_key .+;/, `ssl_certificate_key ${file('key')};`)
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${file(name)};`).join(' ')
    // Between the moment when a port is found free and nginx's taking it, another process may take it: nginx ends then, and another port is tried.
    for (let [tries, isUp] = [0, false]; !isUp; tries++) {
      if (tries === 5) throw new Error('nginx ended five times; see whether it takes the configuration of the guide.')
      port = await freePort()
      const whole = `daemon off; pid ${file('pid')}; error_log stderr; events { worker_connections 64; } http { access_log off; ${places} ${siteAt(port)} }`
      await writeFile(file('nginx.conf'), whole)
      nginx = spawn('nginx', ['-p', directory, '-c', file('nginx.conf')], { stdio: 'ignore' })
      const ended = new Promise<'ended'>((resolve) => nginx.once('exit', () => resolve('ended')))
      const up = vi.waitFor(async () => expect(await statusOf('/healthz')).toBe(200), { timeout: 10_000 })
      isUp = (await Promise.race([up, ended])) !== 'ended'
      if (!isUp) up.catch(() => undefined)
    }
  })
  afterAll(async () => {
    const gone = new Promise((resolve) => nginx.once('exit', resolve))
    nginx.kill('SIGQUIT')
    await relay.stop()
    await gone
    await rm(directory, { recursive: true, force: true })
  })

  function statusOf(path: string): Promise<number> {
    return new Promise((resolve) => {
      request({ host: '127.0.0.1', port, path, servername: host, ca, headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
        .on('error', () => resolve(0))
        .end()
    })
  }

  /** From an address that is not the proxy's own. */
  function open(origin: string): WebSocket {
    const headers = { host, 'x-forwarded-for': '203.0.113.9' }
    const options = { servername: host, ca, origin, headers, localAddress: '127.0.0.2' }
    return new WebSocket(`wss://127.0.0.1:${port}/socket`, options)
  }

  it('gives a device its session under the name that it dialled', async () => {
    const vera = await createDevice(await createOrg())
    const socket = open(`https://${host}`)
    const id = new Promise<string>((resolve) => socket.once('upgrade', ({ headers }) => resolve(String(headers['x-request-id']))))
    const { nonce } = await next(socket, 'challenge')
    socket.send(encodeClientFrame(vera.introduce(nonce, host)))
    await next(socket, 'welcome')
    // The id is nginx's own, and the address is neither nginx's nor the one that the device claims.
    const session = await id
    expect(session).toMatch(/^[0-9a-f]{32}$/)
    const lines = relay.lines.map((line): unknown => JSON.parse(line))
    expect(lines).toContainEqual(expect.objectContaining({ event: 'upgraded', address: '127.0.0.2', request: session }))
    expect(lines).toContainEqual(expect.objectContaining({ event: 'session-opened', device: vera.id, session }))
    socket.close()
  })

  it.each([`http://${host}`, 'https://elsewhere.example'])('turns away a page of %s', async (origin) => {
    const socket = open(origin)
    const status = await new Promise((resolve) => {
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode))
      socket.once('open', () => resolve('open'))
    })
    expect(status).toBe(403)
    socket.on('error', () => {})
    socket.terminate()
  })

  it('does not show the figures through the proxy', async () => {
    expect(await statusOf('/metrics')).toBe(401)
  })
})

function next<T extends RelayMessage['type']>(socket: WebSocket, type: T): Promise<Extract<RelayMessage, { readonly type: T }>> {
  const isWanted = (message: RelayMessage): message is Extract<RelayMessage, { readonly type: T }> => message.type === type
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.on('message', (data: Buffer) => {
      const found = decodeRelayFrame(data).find(isWanted)
      if (found) resolve(found)
    })
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0))
    })
  })
}
