import '@entente/elements/define.js'
import '../desk/site-view.js'
import './site-app.js'
