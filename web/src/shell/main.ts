import { registerWorker } from '../policy/worker-policy.js'
import { opened, pageLock } from '../service-worker/contract.js'
import { followUpdates } from './updates.js'

// The first script of every page: it keeps the app on the device, for the next time without a network, and says when there is a newer one. A page that did not
// come over TLS or from this machine has no service worker, and goes without.

const { serviceWorker } = navigator
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  // What the page itself loads comes first.
  const loaded = new Promise((resolve) => {
    if (document.readyState === 'complete') resolve(undefined)
    else addEventListener('load', resolve, { once: true })
  })
  const held = holdLock()
  void loaded
    .then(() => registerWorker(serviceWorker))
    .then(async (registration) => {
      followUpdates(serviceWorker, registration)
      await held
      registration.active?.postMessage(opened)
    })
    // A host without the file, or a browser that keeps nothing: the page works, but not without a network.
    .catch(() => undefined)
}

/** Resolves once this page has said which script it runs, for as long as it is open. */
function holdLock(): Promise<void> {
  const script = document.querySelector<HTMLScriptElement>('script[type=module][src]')
  const name = pageLock + new URL(script?.src ?? location.href).pathname
  return new Promise((resolve) => {
    void navigator.locks.request(name, { mode: 'shared' }, () => {
      resolve()
      return new Promise(() => undefined)
    })
  })
}
