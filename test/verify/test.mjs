// `npm test`: sets up what is missing, then runs the whole list of checks.
import { findChromium, findNginx, findPostgres, run } from './set-up.mjs'

findPostgres()
findNginx()
run('npm', ['run', '--silent', 'verify'], { CHROMIUM_BIN: findChromium() })
