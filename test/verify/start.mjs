// `npm start`: sets up what is missing, builds, and runs the relay, which serves the app.
import { spawn } from 'node:child_process'
import { installPackages, root, run } from './set-up.mjs'

installPackages()
run('npm', ['run', '--silent', 'build'])

const relay = spawn(process.execPath, ['relay-server/dist/main.js', 'serve', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['inherit', 'pipe', 'inherit'],
})
relay.stdout.on('data', (data) => {
  process.stdout.write(data)
  const url = /"url":"(http[^"]+)"/.exec(String(data))?.[1]
  if (url && String(data).includes('"listening"')) {
    console.log(`\n  Entente is running at ${url}\n  Begin with the rehearsal: ${new URL('rehearsal.html', url)}\n  Ctrl+C ends it.\n`)
  }
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => relay.kill(signal))
relay.on('exit', (code) => (process.exitCode = code ?? 1))
