import { afterEach, expect, it } from 'vitest'
import { createDevice, createOrg, RelayClient, TestRelay } from './testing/index.js'

let relay: TestRelay
afterEach(() => relay.stop())

it.each([
  ['relay.example.com', 'relay.example.com'],
  ['relay.example.com:443', 'relay.example.com'],
  ['relay.example.com:8787', 'relay.example.com:8787'],
  ['Relay.Example.com', 'relay.example.com'],
])('a relay named %s takes the hello of a device that dialled %s', async (name, dialled) => {
  relay = await TestRelay.start({ names: [name] })
  expect(await answerTo(dialled)).toBe('welcome')
})

it.each(['relay.example.com', 'relay.example.com:8788', 'elsewhere.example:8787', '127.0.0.1'])(
  'a relay named relay.example.com:8787 does not take one for %s',
  async (dialled) => {
    relay = await TestRelay.start({ names: ['relay.example.com:8787'] })
    expect(await answerTo(dialled)).toBe('AUTH')
  },
)

async function answerTo(dialled: string): Promise<string> {
  const vera = await createDevice(await createOrg())
  const client = new RelayClient(relay.url)
  const { nonce } = await client.next('challenge')
  client.send(...vera.introduce(nonce, dialled))
  const answer = await client.until(() => client.heard.find(({ type }) => type === 'welcome' || type === 'failed'), 'an answer')
  return answer.type === 'failed' ? answer.code : answer.type
}
