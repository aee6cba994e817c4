
BprobabilitiesJ(
åN6çÈF8ÏBƒ2ÃÁ$7Z½M45’‚6Vàë6ZóQ2#û?yA86