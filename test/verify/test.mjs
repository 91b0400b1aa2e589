// `npm test`: sets up what is missing, then runs the whole list of checks.
import { findChromium, findPostgres, installPackages, run } from './set-up.mjs'

installPackages()
findPostgres()
run('npm', ['run', '--silent', 'verify'], { CHROMIUM_BIN: findChromium() })
