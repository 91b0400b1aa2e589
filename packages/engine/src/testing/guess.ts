import { decodeRelayFrame, encodeClientFrame, type MailboxId, parseOrgId } from '@entente/protocol'
import type { Clock } from '../port/clock.js'
import { mailboxClaim } from '../seal/keys.js'
import { memoryHello } from './hello.js'
import type { MemoryRelay } from './relay.js'

/** A stranger, who knows of an invitation but not its secret, guesses at it. */
export function guessAt(relay: MemoryRelay, clock: Clock, mailbox: MailboxId, times: number): void {
  const claim = mailboxClaim('A'.repeat(22))
  const socket = relay.openSocket('ws://relay.example/socket', {
    onFrame(frame) {
      for (const message of decodeRelayFrame(frame)) {
        if (message.type !== 'challenge') continue
        const hello = memoryHello(parseOrgId('M'.repeat(43)))
        void hello({ nonce: '', host: 'relay.example', version: 1, time: clock.now(), isUnknown: false, readRoster: 1 }).then(
          ({ token }) => {
            const tries = Array.from({ length: times }, () => ({ type: 'claim', mailbox, claim }) as const)
            socket.send(encodeClientFrame([{ type: 'hello', token }, ...tries]))
          },
        )
      }
    },
    onOpen: () => undefined,
    onClose: () => undefined,
  })
}
