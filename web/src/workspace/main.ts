import '@entente/elements/define.js'
import '../desk/desk.js'
import './workspace-app.js'
