import { feedName } from '@entente/protocol'
import { expect, it } from 'vitest'
import { createDevice, createOrg, offerOf, RelayClient, TestRelay } from '../testing/index.js'

it('[SR1] tells the log once of a reader that it drops, however many frames were on their way to it', async () => {
  // It is not to be taken for silent, as it answers nothing, before it is found to be slow.
  const relay = await TestRelay.start({ slowReaderMs: 300, heartbeatMs: 2_400 })
  try {
    const org = await createOrg()
    const feed = feedName({ kind: 'team', org: org.id, topic: 'messages' })
    const [vera, paul] = await Promise.all(
      [createDevice(org), createDevice(org)].map(async (device) => RelayClient.connect(relay.url, await device)),
    )
    if (!vera || !paul) throw new Error('Both devices connect.')
    for (const client of [vera, paul]) await client.read(1, feed)
    paul.socket.pause()
    const drops = (): number => relay.lines.filter((line) => line.includes('slow-reader-dropped')).length
    for (let offered = 0; drops() === 0; offered += 40) {
      expect(offered).toBeLessThan(2_000)
      for (let more = 0; more < 40; more++) vera.offer(1, offerOf(`m${offered + more}`, 'message', new Uint8Array(50_000)))
      await vera.publish(1, offerOf(`last${offered}`, 'message'))
      // Within a session's rate until the reader's time is over.
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    expect(drops()).toBe(1)
  } finally {
    await relay.stop()
  }
})
