// The platform's cryptography, of which the library es2023 knows nothing.
type Work = (this: unknown, ...parts: unknown[]) => Promise<unknown>
declare const crypto: { readonly subtle: object }

let left = 0
let waiting: (() => void)[] = []

// Each method of WebCrypto, counted while it is under way: the one work of an engine that goes on while no promise and no timer runs.
const methods = Object.getPrototypeOf(crypto.subtle) as Record<string, Work>
for (const [name, { value, writable }] of Object.entries(Object.getOwnPropertyDescriptors(methods)))
  if (writable && name !== 'constructor') methods[name] = counted(value as Work)

function counted(work: Work): Work {
  return async function (...parts) {
    left++
    try {
      return await work.apply(this, parts)
    } finally {
      left--
      const now = waiting
      waiting = []
      for (const each of now) each()
    }
  }
}

/** Whether cryptography is under way in this process. */
export function isAtWork(): boolean {
  return left > 0
}

/** Resolves with the next piece of cryptography that is done. */
export function pieceOfWork(): Promise<void> {
  return new Promise((resolve) => void waiting.push(resolve))
}
