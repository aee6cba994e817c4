
BprobabilitiesJ(û2Xc°/¿Q¼-ªâ/ñÿ?mq/±ôç2LÁ4L€n4ºC5