// The platform's own timers, which the library es2023 does not name: the only thing that test support takes of the platform without a port.
declare function setTimeout(call: () => void, ms: number): unknown
declare const setImmediate: ((call: () => void) => unknown) | undefined

/** Lets everything run that was begun, promises and all: one turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}

/** Waits in real time, for work that no clock of a test can hurry: the platform's cryptography. @param ms milliseconds */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}
