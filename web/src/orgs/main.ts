import './orgs-app.js'
