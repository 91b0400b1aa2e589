import { execFileSync, spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { TestRelay } from '../testing/index.js'
import { readCertificatePair } from './tls.js'

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)('a relay with its own certificate', () => {
  let directory: string
  let relay: TestRelay | undefined
  const file = (name: string): string => join(directory, name)
  const current = () => ({ cert: file('cert.pem'), key: file('key.pem') })

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'entente-tls-'))
    for (const name of ['first', 'second']) {
      const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
      execFileSync(
        'openssl',
        ['req', '-x509', ...curve, '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`), '-days', '2', ...subject],
        {
          stdio: 'ignore',
        },
      )
    }
  })
  afterEach(async () => {
    await relay?.stop()
    relay = undefined
    await rm(file('cert.pem'), { force: true })
    await rm(file('key.pem'), { force: true })
  })
  afterAll(() => rm(directory, { recursive: true }))

  /** In one step: what is half copied is another thing to complain of. */
  async function put(from: string, to: string): Promise<void> {
    await copyFile(file(from), file('draft'))
    await rename(file('draft'), file(to))
  }

  async function use(name: string): Promise<void> {
    await put(`${name}.key`, 'key.pem')
    await put(`${name}.crt`, 'cert.pem')
  }

  it('serves files and sockets by TLS, and nothing without it', async () => {
    await use('first')
    relay = await TestRelay.start({ tls: current() })
    const ca = await readFile(file('first.crt'))
    expect(relay.url).toBe(`https://127.0.0.1:${relay.port}`)
    const answer = await answerOf(`${relay.url}/healthz`, ca)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['strict-transport-security']).toBe('max-age=31536000')
    const socket = new WebSocket(`wss://localhost:${relay.port}/socket`, { ca, origin: `https://localhost:${relay.port}` })
    const challenge = await new Promise<Buffer>((resolve, reject) => {
      socket.once('message', resolve)
      socket.once('error', reject)
    })
    expect(challenge.length).toBeGreaterThan(16)
    socket.close()
    await expect(fetch(`http://127.0.0.1:${relay.port}/healthz`)).rejects.toThrow()
  })

  it('takes a renewed certificate without a restart, and keeps the sockets that stand', async () => {
    await use('first')
    relay = await TestRelay.start({ tls: current(), certificateMs: 50 })
    const socket = new WebSocket(`wss://127.0.0.1:${relay.port}/socket`, { ca: await readFile(file('first.crt')) })
    await new Promise((resolve) => socket.once('open', resolve))
    expect(await nameShown(relay.port)).toBe('first')
    await use('second')
    const { port } = relay
    await expect.poll(() => nameShown(port)).toBe('second')
    expect(socket.readyState).toBe(WebSocket.OPEN)
    expect(relay.lines.some((line) => line.includes('certificate-renewed'))).toBe(true)
    socket.close()
  })

  it('takes one that came by turning a symbolic link', async () => {
    await writeFile(file('key.pem'), Buffer.concat([await readFile(file('first.key'))]))
    await symlink(file('first.crt'), file('cert.pem'))
    relay = await TestRelay.start({ tls: current(), certificateMs: 50 })
    await symlink(file('second.crt'), file('next'))
    await rename(file('next'), file('cert.pem'))
    await put('second.key', 'key.pem')
    const { port } = relay
    await expect.poll(() => nameShown(port)).toBe('second')
  })

  it('keeps the old one while the files do not belong together, and says so once', async () => {
    await use('first')
    relay = await TestRelay.start({ tls: current(), certificateMs: 20 })
    await put('second.crt', 'cert.pem')
    const { lines, port } = relay
    const complaints = () => lines.filter((line) => line.includes('certificate-not-renewed'))
    await expect.poll(() => complaints().length).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(complaints()).toHaveLength(1)
    expect(complaints()[0]).not.toContain('BEGIN')
    expect(await nameShown(port)).toBe('first')
    await put('second.key', 'key.pem')
    await expect.poll(() => nameShown(port)).toBe('second')
  })

  it('does not start with files that cannot be used, and names them', async () => {
    const missing = { cert: file('none.crt'), key: file('first.key') }
    expect(() => readCertificatePair(missing)).toThrow('none.crt')
    expect(() => readCertificatePair({ cert: file('first.crt'), key: file('second.key') })).toThrow('second.key')
    await expect(TestRelay.start({ tls: missing })).rejects.toThrow('none.crt')
  })
})

function answerOf(url: string, ca: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { ca }, (response) => {
      response.resume()
      resolve(response)
    }).on('error', reject)
  })
}

/** The name in the certificate that a new socket is shown. */
function nameShown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
