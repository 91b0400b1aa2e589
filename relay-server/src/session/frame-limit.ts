import { limits } from '@entente/protocol'

/** Fragments allowed in one frame. Our clients send none; endless fragments are a way to hold memory. */
const fragmentsPerFrame = 128

/**
 * The options by which `ws` refuses a frame before a session receives it (rule W3): a frame over the limit closes its socket with 1009, one in too many
 * pieces with 1008. Compression would cost memory for each socket and gain nothing over sealed bytes; `ws` declines it by not offering it.
 */
export const frameLimit = {
  maxPayload: limits.frameBytes,
  maxFragments: fragmentsPerFrame,
  perMessageDeflate: false,
  // One frame of a socket in a turn of the loop: thousands of tiny ones in one packet do not keep the other sockets waiting.
  allowSynchronousEvents: false,
  // Pings are answered where they are counted.
  autoPong: false,
} as const
