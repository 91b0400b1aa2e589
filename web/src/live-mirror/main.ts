import { askForPass } from './handover.js'
import { LiveMirror } from './live-mirror.js'
import { MirrorPage } from './mirror-page.js'

// One live mirror with nothing but yjs, y-websocket and the key of its seals. `mirror.html#<org>/<mirror>` names it; the pass comes from a tab with the org's
// engine (see handover.ts).

const [org = '', mirror = ''] = location.hash.slice(1).split('/')
const root = document.querySelector('main')
if (!root) throw new Error('The page has no main.')
const page = new MirrorPage(root)

if (org === '' || mirror === '') {
  page.show({
    line: 'ended',
    words: 'This address names no mirror. Open the live view from a record’s mirror in the workspace.',
    reading: undefined,
  })
} else {
  new LiveMirror({
    gateway: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/gateway`,
    askForPass: () => askForPass({ org, mirror }),
    show: (state) => page.show(state),
  }).start()
}

// The address names the mirror, so another address is another page.
addEventListener('hashchange', () => location.reload())
