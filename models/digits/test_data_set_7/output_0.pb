
BprobabilitiesJ(ÿÍE1-Ş-w•ª3›Í4ŠÏy2”r,™İ½'òÿ?øÖí2àp¦4