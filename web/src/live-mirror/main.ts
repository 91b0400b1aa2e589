import { confine } from '../policy/page-policy.js'
import { askForPass as ask, type HandoverAnswer } from './handover.js'
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
    askForPass,
    show: (state) => page.show(state),
  }).start()
}

/** The first pass says which relay this page dials. It can connect to no other from then on. */
async function askForPass(): Promise<HandoverAnswer> {
  const answer = await ask({ org, mirror })
  if (answer.kind === 'pass') confine(answer.pass.gateway)
  return answer
}

// The address names the mirror, so another address is another page.
addEventListener('hashchange', () => location.reload())
