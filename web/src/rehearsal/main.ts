import '@entente/elements/define.js'
import '../desk/desk.js'
import './rehearsal-app.js'
