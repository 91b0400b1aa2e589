import { registerWorker } from '../policy/worker-policy.js'
import { pageLock } from '../service-worker/contract.js'
import { followUpdates } from './updates.js'

// The first script of every page: it keeps the app on the device, for the next time without a network, and says when there is a newer one. A page that did not
// come over TLS or from this machine has no service worker, and goes without.

const { serviceWorker } = navigator
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  const script = document.querySelector<HTMLScriptElement>('script[type=module][src]')
  void navigator.locks.request(
    pageLock + new URL(script?.src ?? location.href).pathname,
    { mode: 'shared' },
    () => new Promise(() => undefined),
  )
  // What the page itself loads comes first.
  if (document.readyState === 'complete') register()
  else addEventListener('load', register, { once: true })
}

function register(): void {
  registerWorker(serviceWorker).then(
    (registration) => followUpdates(serviceWorker, registration),
    // A host without the file, or a browser that keeps nothing: the page works, but not without a network.
    () => undefined,
  )
}
