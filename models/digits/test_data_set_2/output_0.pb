
BprobabilitiesJ(¿Ú .
†'.öÿ?U¬"5÷í(×/ù$¡b€.ÂíÃ,#…Q2