import type { Tabs } from '@entente/engine'

/**
 * The tabs of this profile that hold the same org open, as the engine's Tabs. A Web Lock makes one of them the leader; over a BroadcastChannel they tell
 * each other what they saved. A hidden tab asks for the lock half a second later than a visible one, so that the tab a person looks at leads.
 *
 * @param name the same as the store's
 */
export function openTabs(name: string): Tabs {
  const channel = new BroadcastChannel(`entente-${name}`)
  return {
    lead(lead) {
      const abort = new AbortController()
      let release = (): void => undefined
      const held = new Promise<void>((resolve) => (release = resolve))
      const ask = (): void => {
        const granted = async (): Promise<void> => {
          lead()
          await held
        }
        // Ending the wait for the lock rejects the request; that is how it is meant.
        navigator.locks.request(`entente-${name}`, { signal: abort.signal }, granted).catch(() => undefined)
      }
      const timer = setTimeout(ask, document.visibilityState === 'visible' ? 0 : hiddenDelayMs)
      return () => {
        clearTimeout(timer)
        abort.abort()
        release()
      }
    },
    tell: (message) => channel.postMessage(message),
    listen(hear) {
      const listener = ({ data }: MessageEvent<unknown>): void => hear(data)
      channel.addEventListener('message', listener)
      return () => channel.removeEventListener('message', listener)
    },
  }
}

const hiddenDelayMs = 500
